"""Chromium without a screen, driven over a pair of pipes (Chrome DevTools Protocol)."""
import base64
import json
import os
import subprocess
import time

WAIT_S = 60


class Failed(Exception):
    pass


class Page:
    """The one page of a browser of its own. What is logged or thrown there is in self.heard."""

    def __init__(self, program, profile):
        to_child, self._out = os.pipe()
        self._in, from_child = os.pipe()
        self._rest, self._number, self.heard = b"", 0, []

        def connect():  # the protocol's descriptors are 3 and 4
            first, second = os.dup(to_child), os.dup(from_child)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self._process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--hide-scrollbars",
             f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=connect, close_fds=False, stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call(
            "Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    def close(self):
        """Ends with all of its processes, that none of them writes to the profile any more."""
        self._call("Browser.close")
        self._process.wait()
        os.close(self._out)

    def _read(self):
        while b"\0" not in self._rest:
            part = os.read(self._in, 1 << 20)
            if not part:
                raise Failed("the browser has gone")
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def _call(self, method, session=None, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._read()
            if heard.get("id") == self._number:
                if "error" in heard:
                    raise Failed(f"{method}: {heard['error']}")
                return heard["result"]
            if heard.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown",
                                       "Runtime.consoleAPICalled", "Page.javascriptDialogOpening"):
                self.heard.append(heard)

    def call(self, method, **parameters):
        return self._call(method, self._session, **parameters)

    def run(self, script):
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in result:
            raise Failed(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def until(self, script):
        """Waits for that to be true."""
        limit = time.monotonic() + WAIT_S
        while not self.run(script):
            if time.monotonic() > limit:
                raise Failed(f"never so: {script}")
            time.sleep(0.1)

    def look(self, width, height, scheme):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def middle_of(self, selector):
        """Where an element stands, once it is in view."""
        return self.run(f"""(() => {{
            const at = document.querySelector({json.dumps(selector)});
            at.scrollIntoView({{block: "center"}});
            const box = at.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")

    def click(self, selector):
        x, y = self.middle_of(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def write(self, text):
        self.call("Input.insertText", text=text)

    def press_enter(self):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r",
                      windowsVirtualKeyCode=13)

    def picture(self, path):
        self.run("document.activeElement.blur(), scrollTo(0, 0)")
        height = self.run("document.documentElement.scrollHeight")
        width = self.run("innerWidth")
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(data["data"]))
