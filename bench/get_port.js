// Prints COUNT ports of get-port, asked one after another: get_port.js COUNT
import getPort from "get-port";

const ports = [];
for (let i = 0; i < Number(process.argv[2]); i++) {
    ports.push(await getPort());
}
console.log(ports.join("\n"));
