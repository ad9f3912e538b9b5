"""Looking at the page that is open, for what is wrong with it."""

from axe_playwright_python.sync_playwright import Axe

from tests.browser.browsing import NARROW, WIDE, Visitor

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Without preloading axe leaves style sheets alone; with it, it writes some into the page, which our policy forbids.
OPTIONS = {"resultTypes": ["violations"], "preload": False, "runOnly": {"type": "tag", "values": STANDARDS}}
# What sticks out of the window to the right, unless it lies in something that scrolls by itself.
STICKING_OUT = """() => {
  const root = document.documentElement
  if (root.scrollWidth <= root.clientWidth) return []
  const scrolls = it => it && it !== root && (getComputedStyle(it).overflowX === 'auto' || scrolls(it.parentElement))
  return [...document.body.querySelectorAll('*')]
    .filter(it => it.getBoundingClientRect().right > root.clientWidth && !scrolls(it.parentElement))
    .map(it => it.outerHTML.slice(0, 150))
}"""


def look(visitor: Visitor, what: str) -> list[str]:
    """What is wrong with the page that is open, as lines to read."""
    page = visitor.page
    found = Axe().run(page, options=OPTIONS).response["violations"]
    wrong = [
        f"{what}: {each['id']}: {each['help']}: {node['html'][:200]}" for each in found for node in each["nodes"][:3]
    ]
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    wrong += [f"{what}: sticks out at 320 pixels: {html}" for html in page.evaluate(STICKING_OUT)[-3:]]
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    return wrong


def assert_nothing(wrong: list[str]) -> None:
    """Fails with all that is wrong, once each."""
    assert not wrong, "\n" + "\n".join(dict.fromkeys(wrong))
