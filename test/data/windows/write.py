#!/usr/bin/env python3
"""Writes what netsh prints in four languages, in the code pages of their consoles, beside this file.

The layout is that of outputs which people posted (Windows 10 to Server 2025); no real Windows was at hand, so the words of
the longer texts are translations by hand. That is what they are for: no parser may depend on a word.
"""
import pathlib

HERE = pathlib.Path(__file__).parent
PAGES = {"en": "cp437", "de": "cp850", "fr": "cp850", "ja": "cp932"}

EXCLUDED = {
    "en": ["Protocol {} Port Exclusion Ranges", "Start Port    End Port      ", "----------    --------      ",
           "* - Administered port exclusions."],
    "de": ['Portausschlussbereiche für das Protokoll "{}"', "Startport      Endport      ", "----------    --------      ",
           "* - Verwaltete Portausschlüsse."],
    "fr": ["Protocole {} Plages d'exclusion de ports", "Port de début    Port de fin      ", "-------------    -----------      ",
           "* - Exclusions de ports administrées."],
    "ja": ["プロトコル {} ポートの除外範囲", "開始ポート    終了ポート      ", "----------    --------      ",
           "* - 管理されたポートの除外。"],
}
RANGES = [(80, 80, False), (1337, 1436, False), (5357, 5357, False), (8072, 8171, False), (49152, 49251, False),
          (50000, 50059, True), (65535, 65535, False)]

DYNAMIC = {
    "en": ["Protocol tcp Dynamic Port Range", "Start Port      : {}", "Number of Ports : {}"],
    "de": ["Protokoll tcp Dynamischer Portbereich", "Startport         : {}", "Anzahl von Ports  : {}"],
    "fr": ["Plage de ports dynamique du protocole tcp", "Port de démarrage   : {}", "Nombre de ports     : {}"],
    "ja": ["プロトコル tcp の動的ポートの範囲", "開始ポート      : {}", "ポート数        : {}"],
}

QUEUES = {
    "en": dict(title="Snapshot of HTTP service state (Request Queue View): ", name="Request queue name: ",
               unnamed="Request queue is unnamed.", version="Version: ", state="State: Active",
               verbosity="Request queue 503 verbosity level: ", most="Max requests: 1000",
               count="Number of active processes attached: ", controller="Controller process ID: ", pids="Process IDs:",
               groups="URL groups:", group="URL group ID: ", properties="Properties:", width="Max bandwidth: inherited",
               times="Timeouts:", inherited="Timeout values inherited", urls="Number of registered URLs: ",
               registered="Registered URLs:", session="Server session ID: ", body="Entity body timeout (secs): 120",
               basic="Basic", limited="Limited"),
    "de": dict(title="Momentaufnahme des HTTP-Dienststatus (Anforderungswarteschlangenansicht): ",
               name="Name der Anforderungswarteschlange: ", unnamed="Die Anforderungswarteschlange ist unbenannt.",
               version="Version: ", state="Status: Aktiv", verbosity="Ausführlichkeitsgrad für 503-Fehler: ",
               most="Max. Anforderungen: 1000", count="Anzahl der angefügten aktiven Prozesse: ",
               controller="Controllerprozess-ID: ", pids="Prozess-IDs:", groups="URL-Gruppen:", group="URL-Gruppen-ID: ",
               properties="Eigenschaften:", width="Max. Bandbreite: geerbt", times="Zeitlimits:",
               inherited="Geerbte Zeitlimitwerte", urls="Anzahl der registrierten URLs: ", registered="Registrierte URLs:",
               session="Serversitzungs-ID: ", body="Zeitlimit für Entitätskörper (Sek.): 120", basic="Einfach",
               limited="Eingeschränkt"),
    "fr": dict(title="Instantané de l'état du service HTTP (affichage des files d'attente de demandes) : ",
               name="Nom de la file d'attente de demandes : ", unnamed="La file d'attente de demandes n'a pas de nom.",
               version="Version : ", state="État : Actif", verbosity="Niveau de détail 503 de la file d'attente : ",
               most="Demandes maximales : 1000", count="Nombre de processus actifs attachés : ",
               controller="ID de processus du contrôleur : ", pids="ID de processus :", groups="Groupes d'URL :",
               group="ID du groupe d'URL : ", properties="Propriétés :", width="Bande passante maximale : héritée",
               times="Délais d'expiration :", inherited="Valeurs de délai d'expiration héritées",
               urls="Nombre d'URL inscrites : ", registered="URL inscrites :", session="ID de session du serveur : ",
               body="Délai d'expiration du corps d'entité (s) : 120", basic="De base", limited="Limité"),
    "ja": dict(title="HTTP サービスの状態のスナップショット (要求キュー ビュー): ", name="要求キュー名: ",
               unnamed="要求キューに名前が付いていません。", version="バージョン: ", state="状態: アクティブ",
               verbosity="要求キューの 503 詳細レベル: ", most="最大要求数: 1000",
               count="アタッチされたアクティブなプロセスの数: ", controller="コントローラー プロセス ID: ", pids="プロセス ID:",
               groups="URL グループ:", group="URL グループ ID: ", properties="プロパティ:", width="最大帯域幅: 継承",
               times="タイムアウト:", inherited="継承されたタイムアウト値", urls="登録された URL の数: ", registered="登録された URL:",
               session="サーバー セッション ID: ", body="エンティティ本文のタイムアウト (秒): 120", basic="基本", limited="制限"),
}
# Queue name (None: unnamed), version, processes, URLs. W3SVC's pool has its process only while somebody asks for pages.
STATE = [
    (None, "1.0", [2312], ["HTTP://+:5985/WSMAN/", "HTTP://+:47001/WSMAN/"]),
    ("DefaultAppPool", "2.0", [6044, 6052], ["HTTP://*:80/", "HTTPS://127.0.0.1:443:127.0.0.1/SHOP/"]),
    ("IdlePool", "2.0", [], ["HTTP://[::1]:8081/"]),
    (None, "2.0", [1404], ["HTTP://*:5357/4C2CDC17-BEFE-4441-899A-CC530F03F2DF/"]),
]


def excluded(language):
    title, heads, rule, foot = EXCLUDED[language]
    rows = [f"{first:>10}  {last:>10}{'     *' if star else '      '}" for first, last, star in RANGES]
    return ["", title.format("tcp"), "", heads, rule, *rows, "", foot, ""]


def dynamic(language):
    title, first, count = DYNAMIC[language]
    return ["", title, "---------------------------------", first.format(49152), count.format(16384), ""]


def queues(language):
    word = QUEUES[language]
    lines = ["", word["title"], "-" * 53 + " ", ""]
    for number, (name, version, pids, urls) in enumerate(STATE):
        own = name or word["unnamed"]
        lines += [word["name"] + own]
        lines += ["    " + line for line in [
            word["version"] + version, word["state"], word["verbosity"] + (word["limited"] if name else word["basic"]),
            word["most"], f"{word['count']}{len(pids)}", *([word["controller"] + "3408"] if name else []), word["pids"]]]
        lines += [f"        {pid}" for pid in pids]
        lines += ["", "    " + word["groups"], f"    {word['group']}FD0000004000000{number + 1}"]
        lines += ["        " + line for line in [word["state"], word["name"] + own, word["properties"]]]
        lines += ["            " + line for line in [
            word["width"], word["times"], "    " + word["inherited"], f"{word['urls']}{len(urls)}", word["registered"]]]
        lines += ["                " + url for url in urls]
        lines += [f"        {word['session']}FF0000002000000{number + 1}"]
        lines += ["            " + line for line in [word["version"] + version, word["state"], word["properties"]]]
        lines += ["                " + line for line in [word["times"], "    " + word["body"]]]
        lines += ["", ""]
    return lines


# As Windows 11 24H2 and Server 2025 print it (processes with their image).
MODERN = """
Snapshot of HTTP service state (Server Session View): 
----------------------------------------------------- 

Server session ID: FF00000020000001
    Version: 1.0
    State: Active
    Properties:
        Max bandwidth: 4294967295
        Timeouts:
            Entity body timeout (secs): 120
    URL groups:
    URL group ID: FE00000040000001
        State: Active
        Request queue name: Request queue is unnamed.
        Number of registered URLs: 2
        Registered URLs:
            HTTP://+:5985/WSMAN/
            HTTP://+:47001/WSMAN/

Request queues:
    Request queue name: Request queue is unnamed.
        Version: 1.0
        State: Active
        Request queue 503 verbosity level: Basic
        Max requests: 1000
        Active requests: 0
        Max queued request age: 0s
        Number of active processes attached: 1
        Processes:
            ID: 3569, image: C:\\Windows\\System32\\svchost.exe
            Services: WinRM
            Tagged Service: WinRM
        Registered URLs:
            HTTP://+:5985/WSMAN/
            HTTP://+:47001/WSMAN/

    Request queue name: Request queue is unnamed.
        Version: 2.0
        State: Active
        Number of active processes attached: 1
        Processes:
            ID: 33704, image: <?>
        Registered URLs:
            HTTP://127.0.0.1:19443:127.0.0.1/
"""


def main():
    texts = {"queues-modern.437.txt": ("cp437", MODERN.split("\n"))}
    for language, page in PAGES.items():
        for name, make in ("excluded", excluded), ("dynamic", dynamic), ("queues", queues):
            texts[f"{name}-{language}.{page[2:]}.txt"] = (page, make(language))
    for name, (page, lines) in texts.items():
        (HERE / name).write_bytes("\r\n".join(lines).encode(page))


main()
