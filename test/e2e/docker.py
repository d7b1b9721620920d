"""A Docker daemon that is none: its API on a unix socket, and processes that look like its forwarders."""

import contextlib
import json
import os
import signal
import socket
import threading

import lib
import shapes

CONTAINER = "4f5a" * 16


def answer_calmly(answer, connection):
    with contextlib.suppress(OSError):  # the client may leave at any time
        answer(connection)


def daemon(answer):
    """A unix socket of a would-be Docker daemon; `answer(connection)` runs for each client. Gives the environment."""
    path = lib.temp_folder() / "docker.sock"

    def body(me):
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.listen(16)
        me.ready()
        while True:
            threading.Thread(target=answer_calmly, args=(answer, server.accept()[0]), daemon=True).start()

    shapes.Child(body, name="e2e-docker")
    return lib.environment(DOCKER_HOST=f"unix://{path}")


def forwarder(port, target=80):
    """A process that looks like Docker's own forwarder and holds the port."""
    with shapes.listening(port) as made:
        made.set_inheritable(True)
        return lib.stand_in("docker-proxy", "-proto", "tcp", "-host-ip", "0.0.0.0", "-host-port", port, "-container-ip",
                            "172.17.0.2", "-container-port", target)


def published(port, target=80):
    return {"Id": CONTAINER, "Names": ["/shop-web-1"], "Image": "nginx:1.27", "State": "running",
            "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"},
            "Ports": [{"IP": "0.0.0.0", "PrivatePort": target, "PublicPort": port, "Type": "tcp"}]}


def one_container(port):
    """What the API of a daemon answers that has one container, by the end of the request's path."""
    full = {"Id": CONTAINER, "Name": "/shop-web-1", "State": {"Status": "running", "Pid": 1},
            "HostConfig": {"RestartPolicy": {"Name": "always"}}, "Config": {"Image": "nginx:1.27"}}
    return {"/containers/json": [published(port)], f"/containers/{CONTAINER}/json": full}


def serve(documents, chunked):
    """Answers like a Docker daemon: the list of containers, and one container in full."""

    def answer(connection):
        request = b""
        while b"\r\n\r\n" not in request:
            more = connection.recv(65536)
            if not more:
                return
            request += more
        path = request.split()[1].split(b"?")[0].decode()
        body = next((text for end, text in documents.items() if path.endswith(end)), None)
        status = "200 OK" if body is not None else "404 Not Found"
        body = json.dumps(body if body is not None else {"message": "no such container"}).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nServer: Docker/27.0 (linux)\r\n"
        if chunked:
            half = len(body) // 2
            parts = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
            connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\n\r\n")
        else:
            connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        connection.close()

    return answer


def acting(documents, forwarders, stop="stop"):
    """The same, and it carries out orders: `stop` ends the forwarders (their Popen), "hang" never answers, "fail" answers 500.
    What was ordered is appended to the list that is given back beside it."""
    ordered = []
    look = serve(documents, chunked=False)

    def answer(connection):
        head = connection.recv(65536, socket.MSG_PEEK)
        if not head.startswith(b"POST "):
            look(connection)
            return
        connection.recv(65536)
        path = head.split()[1].decode()
        ordered.append(path)
        if stop == "hang":
            threading.Event().wait()
        if stop == "fail":
            body = b'{"message":"cannot stop container: permission denied by the moon"}'
            connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
                               b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        else:
            for pid in forwarders if path.endswith("/stop") else ():
                os.kill(pid, signal.SIGTERM)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        connection.close()

    return answer, ordered
