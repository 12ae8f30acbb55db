"""One list of packages, four files: pyproject.toml, constraints.txt and two for conda."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import install

# what conda-forge calls a package of PyPI
CONDA = {"matplotlib": "matplotlib-base", "torch": "pytorch-cpu"}
# what Binder gives to students beside helpers' own needs
STUDENTS = {"torch", "keras"}
ON_LINUX = {"platform_machine": "x86_64", "sys_platform": "linux"}


@pytest.fixture(scope="module")
def project(repo) -> dict:
    return tomllib.loads((repo / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def exact(repo) -> dict[str, Version]:
    """The versions of constraints.txt, by name."""
    lines = (repo / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    return {canonicalize_name(p.name): Version(str(p.specifier)[2:]) for p in pins}


@pytest.fixture(scope="module")
def binder(repo) -> dict[str, Requirement]:
    """What conda installs on Binder, by its name there."""
    asked = yaml.safe_load((repo / "binder/environment.yml").read_text())
    assert asked["channels"] == ["conda-forge"]
    named = [entry for entry in asked["dependencies"] if not entry.startswith("python=")]
    return {(r := Requirement(entry)).name: r for entry in named}


def requirements(project: dict, extras: set[str]) -> list[Requirement]:
    """What the project and these of its extras need on a PC with Linux."""
    optional = project["optional-dependencies"]
    named = [*project["dependencies"], *(entry for extra in extras for entry in optional[extra])]
    found = [Requirement(entry) for entry in named]
    return [r for r in found if r.marker is None or r.marker.evaluate(ON_LINUX)]


def test_every_package_that_is_named_has_its_exact_version(project, exact):
    needed = requirements(project, set(project["optional-dependencies"]))
    alone = [name for names in (*install.ALONE.values(), *install.APART.values()) for name in names]
    assert not [name for name in alone if canonicalize_name(name) not in exact]
    for r in needed:
        assert exact[canonicalize_name(r.name)] in r.specifier, r


def test_every_package_has_a_lower_bound_and_no_other(project):
    for r in requirements(project, set(project["optional-dependencies"])):
        assert re.fullmatch(r">=[\d.]+", str(r.specifier)), r


def test_every_exact_version_runs_on_the_first_and_the_last_python(exact):
    """A patch version counts: Debian 12 has 3.11.2."""
    first = "{}.{}.0".format(*install.OLDEST)
    last = f"{install.TOO_NEW[0]}.{install.TOO_NEW[1] - 1}.0"
    seen = 0
    for name, version in exact.items():
        try:
            known = metadata(name)
        except PackageNotFoundError:
            continue  # for another system, or kept apart
        if Version(known["Version"]).public == version.public:
            range_of_pythons = SpecifierSet(known.get("Requires-Python") or "")
            assert first in range_of_pythons and last in range_of_pythons, name
            seen += 1
    assert seen > 100


def test_binder_has_what_helpers_need_and_nothing_else(project, binder):
    needed = {CONDA.get(r.name, r.name) for r in requirements(project, STUDENTS)}
    assert set(binder) == needed | {"jupyterlab", "pip"}


def test_binder_asks_for_what_the_project_asks_for(project, binder, exact):
    """The same lower bound; an upper one where conda-forge would bring a faulty version."""
    for r in requirements(project, STUDENTS | {"lab"}):
        there = binder.get(CONDA.get(r.name, r.name))
        if there is None:
            assert r.name in ("jupytext", "kaggle", "six")  # for authors, and for a real download
            continue
        assert str(r.specifier) in str(there.specifier).split(","), there
        assert exact[canonicalize_name(r.name)] in there.specifier, there


def test_a_local_environment_is_what_make_lab_installs(repo, project):
    asked = yaml.safe_load((repo / "environment.yml").read_text())
    *_, packages = asked["dependencies"]
    assert packages == {"pip": ["--constraint constraints.txt", "--editable .[keras,lab,torch]"]}
    (extras,) = re.findall(r"^lab:.*\n\t\$\(install\) (.*)", (repo / "Makefile").read_text(), re.M)
    assert sorted(extras.split()) == ["keras", "lab", "torch"]


def test_the_same_pythons_everywhere(repo, project):
    oldest, too_new = (".".join(map(str, v)) for v in (install.OLDEST, install.TOO_NEW))
    assert project["requires-python"] == f">={oldest},<{too_new}"
    for file in ("environment.yml", "binder/environment.yml"):
        asked = yaml.safe_load((repo / file).read_text())["dependencies"]
        (python,) = [entry for entry in asked if str(entry).startswith("python=")]
        version = tuple(map(int, python.removeprefix("python=").split(".")))
        assert install.OLDEST <= version < install.TOO_NEW
