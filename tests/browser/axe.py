"""axe-core: what a page has against WCAG."""

from axe_playwright_python.sync_playwright import Axe


def faults(tab, within=".pixelwise"):
    """Each violation in the part of the page: the rule, and the elements that break it."""
    found = Axe().run(tab, context=within).response["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
