"""A headless Chromium that tests look at pages with, over its DevTools pipe."""

from __future__ import annotations

import base64
import io
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

#: Seconds a call may take on a machine that is busy with other things.
PATIENCE = 120

FLAGS = [
    *("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ),
    *("--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage"),
    "--hide-scrollbars",
    # a page that asks the network all the same gets no answer, wherever the test runs
    "--host-resolver-rules=MAP * ~NOTFOUND",
]


class Browser:
    """Sends commands of the DevTools protocol and keeps the events between them."""

    def __init__(self, process: subprocess.Popen[bytes], write: int, read: int) -> None:
        self.process, self._write, self._read = process, write, read
        self._sent, self._rest = 0, b""
        self.events: list[dict[str, Any]] = []

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._read], [], [], max(left, 0))
            part = os.read(self._read, 1 << 20) if ready else b""
            assert part, f"no answer from the browser (exit: {self.process.poll()})"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; raises RuntimeError where it is refused."""
        self._sent += 1
        command = {"id": self._sent, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._message(deadline)
            if message.get("id") != self._sent:
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{method}: {message['error']}")
            else:
                return message["result"]

    def wait_for(self, event: str, session: str) -> None:
        """Return once the event has come, or had come already."""
        deadline = time.monotonic() + PATIENCE
        while not any(
            e["method"] == event and e.get("sessionId") == session for e in self.events
        ):
            self.events.append(self._message(deadline))


@dataclass
class View:
    """A page that is open in a window of some width."""

    browser: Browser
    session: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.call(method, self.session, **parameters)

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, file: Path) -> Pixels:
        """The whole page, not only what is in the window, as RGB; kept in the file, too."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(answer["data"]))
        return np.asarray(Image.open(io.BytesIO(file.read_bytes())).convert("RGB"))

    def pdf(self) -> bytes:
        """The page as it is printed on A4."""
        answer = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(answer["data"])

    def collect(self) -> None:
        """Sort out what the page asked for, and what went wrong on it."""
        for event in self.browser.events:
            values = event.get("params", {})
            if event.get("sessionId") != self.session:
                continue
            if event["method"] == "Network.requestWillBeSent":
                self.requests.append(values["request"]["url"])
            elif event["method"] == "Runtime.exceptionThrown":
                details = values["exceptionDetails"]
                self.complaints.append(f"exception: {details['text']}")
            elif event["method"] == "Runtime.consoleAPICalled":
                said = [str(a.get("value", "")) for a in values["args"]]
                self.complaints.append(f"console: {' '.join(said)}")
            elif event["method"] == "Log.entryAdded":
                self.complaints.append(f"log: {values['entry']['text']}")


@contextmanager
def chromium(home: Path) -> Iterator[Browser]:
    """A browser whose profile and caches lie in `home`; gone at the end, whatever happens."""
    program = shutil.which("chromium")
    assert program, "no chromium: tools/requirements/debian-test.txt is not installed"
    command_read, command_write = os.pipe()
    answer_read, answer_write = os.pipe()
    places_of_its_own = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    # the browser expects its two ends of the pipes at descriptors 3 and 4
    places = f'exec 3<&{command_read} 4>&{answer_write}; exec "$@"'
    process = subprocess.Popen(
        ["bash", "-c", places, "bash", program, *FLAGS, *root, f"--user-data-dir={home}/profile"],
        pass_fds=[command_read, answer_write],
        env={**os.environ, **dict.fromkeys(places_of_its_own, str(home))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(command_read)
    os.close(answer_write)
    browser = Browser(process, command_write, answer_read)
    try:
        yield browser
        browser.call("Browser.close")
        process.wait(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(command_write)
        os.close(answer_read)


@contextmanager
def view(
    browser: Browser, page: Path, width: int, media: str = "screen"
) -> Iterator[View]:
    """Open a page in a window of that many CSS pixels; narrow ones are telephones."""
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
    opened = View(browser, attached["sessionId"])
    browser.events.clear()
    for domain in ("Page", "Network", "Runtime", "Log"):
        opened.call(f"{domain}.enable")
    opened.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=width < 600,
    )
    opened.call("Emulation.setEmulatedMedia", media=media)
    opened.call("Page.navigate", url=page.as_uri())
    browser.wait_for("Page.loadEventFired", opened.session)
    try:
        yield opened
        opened.collect()
    finally:
        browser.call("Target.closeTarget", targetId=target)
