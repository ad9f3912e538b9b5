"""A real browser, driven from a thread of its own.

Playwright keeps an event loop running in the thread that drives it, in which Django refuses to speak to the
database. So a test prepares and looks at its data where it is, and hands what the browser does, as a function of
its pages, to `Browsing.run`.
"""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from playwright.sync_api import Browser, Error, Locator, Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
SOONEST_PATIENCE = 15_000

Result = TypeVar("Result")


class Visitor:
    """Somebody at a page of the browser, and everything the page complained of or asked other servers for."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.home = home
        self.complaints: list[str] = []
        page.set_default_timeout(SOONEST_PATIENCE)
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", lambda request: self._asked(request.url))

    def _heard(self, kind: str, text: str) -> None:
        # The browser says so of each answer of 400 and above; those a page means to give are tested elsewhere.
        if kind in {"error", "warning"} and "the server responded with a status of 4" not in text:
            self.complaints.append(f"{self.page.url}: {kind}: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.home, "data:", "about:", "blob:")):
            self.complaints.append(f"{self.page.url} asked for {url}")

    def seen(self) -> str:
        """The text of the page, for whoever reads why a journey failed; empty while there is none."""
        with suppress(Error):
            return self.page.locator("body").inner_text(timeout=1_000)
        return ""

    def goes_to(self, path: str) -> None:
        """Opens an address of the service."""
        self.page.goto(f"{self.home}{path}")

    @contextmanager
    def leaves(self) -> Iterator[None]:
        """Around what leads to another page: waits until that page is whole.

        A click returns while the page that is left may still stand there, half gone, to be looked at by mistake.
        """
        with self.page.expect_navigation():
            yield

    def follows(self, wanted: Locator) -> None:
        """Clicks a link or a button that leads to another page, and waits for that page."""
        with self.leaves():
            wanted.click()

    def presses(self, button: str) -> None:
        """Presses a button, by its whole name, that leads to another page, and waits for that page."""
        self.follows(self.page.get_by_role("button", name=button, exact=True))


class Browsing:
    """A browser in its own thread."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="browser")
        self._playwright: Any = None
        self._browser: Browser | None = None
        self.home = ""

    def run(self, journey: Callable[..., Result], *sessions: str | None, size: dict[str, int] = WIDE) -> Result:
        """What `journey` returns, given a visitor for each session: its cookie's value, or None to be nobody yet.

        Fails when a page complained: of an error, of a breach of the content security policy, or by asking
        another server for anything.
        """
        return self._thread.submit(self._run, journey, sessions, size).result()

    def _run(self, journey: Callable[..., Result], sessions: tuple[str | None, ...], size: dict[str, int]) -> Result:
        visitors = [self._visitor(session, size) for session in sessions]
        try:
            result = journey(*visitors)
        except Exception as problem:
            for visitor in visitors:
                problem.add_note(f"At {visitor.page.url} stood:\n{visitor.seen()[:2000]}")
            raise
        finally:
            for visitor in visitors:
                visitor.page.context.close()
        complaints = [each for visitor in visitors for each in visitor.complaints]
        assert not complaints, "\n" + "\n".join([*complaints, f"and the journey ended with {result!r}"])
        return result

    def _visitor(self, session: str | None, size: dict[str, int]) -> Visitor:
        context = self._open().new_context(viewport=size, reduced_motion="reduce")  # type: ignore[arg-type]
        if session:
            context.add_cookies([{"name": "sessionid", "value": session, "url": self.home}])
        return Visitor(context.new_page(), self.home)

    def _open(self) -> Browser:
        if self._browser is None:
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        return self._browser

    def _close(self) -> None:
        if self._browser is not None:
            self._browser.close()
            self._playwright.stop()

    @classmethod
    @contextmanager
    def started(cls) -> Iterator["Browsing"]:
        """One that is closed at the end."""
        browsing = cls()
        try:
            yield browsing
        finally:
            browsing._thread.submit(browsing._close).result()
            browsing._thread.shutdown()
