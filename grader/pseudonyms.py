"""A name of two words for each student: it tells nobody who it is, and stays the same."""

import hashlib
import hmac
from collections.abc import Iterable

ADJECTIVES = """
agile amber ample apt azure balmy blithe bold brave breezy bright brisk calm candid cheery civil
clear clever coral cosy crisp curious daring deft direct eager early easy even exact fair festive
fine fleet fluent fresh friendly frosty gentle gilded glad golden grand hardy hazel honest humble
ivory jolly jovial keen kind lively lofty loyal lucid lucky mellow merry mild mindful misty modest
neat nimble noble olive open patient placid plucky polite prompt proud quick quiet ready rosy
rustic sandy scarlet serene silent silver sincere sleek smooth snowy spry steady sunny swift tidy
tranquil true upbeat vivid warm willing wise witty
""".split()
NOUNS = """
alder aspen badger beaver birch bison bittern brook cedar clover cobble comet coral cove crane
cricket curlew cypress dahlia dolphin dove dune egret elm falcon fern ferret finch fjord forest fox
garnet gecko glacier grove gull hare harbour hawk hazel heath heron hill ibis iris island jasper
jay juniper kestrel kite koala lagoon lake lark laurel lemur lily linden lotus lynx magnolia maple
marten meadow meteor mole moss newt oak ocean opal orchid oriole osprey otter owl panda pebble
pelican pine plover poplar puffin quail quartz rabbit raven reef ridge river robin rook sage salmon
seal shore sparrow spruce starling stork stream swallow swan tern thistle tulip valley walnut
willow wren
""".split()


def pseudonyms(seed: int, students: Iterable[str]) -> dict[str, str]:
    """Student → two words, unique among them.

    They come from the secret seed and the student's id alone; only where two would be called the
    same does one of them get the next name that is drawn for it.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for student in sorted(set(students)):
        attempt = 0
        while (name := _draw(seed, student, attempt)) in taken:
            attempt += 1
        found[student] = name
        taken.add(name)
    return found


def _draw(seed: int, student: str, attempt: int) -> str:
    text = f"pseudonym {attempt} {student}".encode()
    drawn = int.from_bytes(hmac.digest(str(seed).encode(), text, hashlib.sha256))
    drawn, first = divmod(drawn, len(ADJECTIVES))
    return f"{ADJECTIVES[first]} {NOUNS[drawn % len(NOUNS)]}"
