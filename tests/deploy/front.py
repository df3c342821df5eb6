"""A hub that the world reaches: `front.py HUB_BINARY TOOLS`, for tests that are not written in Python.

The hub runs with `deploy/config.json5` behind the real Traefik with `deploy/traefik`, which shows a certificate
of an authority of its own. Prints one line of JSON about it when everything listens, and ends with its stdin.
"""

import asyncio
import json
import pathlib
import signal
import sys
import tempfile

from stage import HOST, SHIPPED_HOST, Authority, Hub, Traefik, shipped, which


async def main(binary, tools):
    with tempfile.TemporaryDirectory(prefix="bot-hub-front-") as folder:
        folder = pathlib.Path(folder)
        authority, hub = Authority(folder), Hub(binary, folder / "hub")
        (folder / "traefik").mkdir()
        traefik = Traefik(which(tools, "traefik"), folder / "traefik", authority, hub, everywhere=False)
        url = f"https://{HOST}:{traefik.port}"
        hub.config.write_text(shipped("config.json5", {f"https://{SHIPPED_HOST}": url}))
        try:
            await hub.start()
            await traefik.start()
            where = {"url": url, "ca": authority.file, "data": hub.data, "log": hub.log, "port": hub.port}
            print(json.dumps(where, default=str), flush=True)
            await asyncio.to_thread(sys.stdin.read)
        finally:
            for process in (traefik, hub):
                process.end(signal.SIGKILL)


asyncio.run(main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]))
