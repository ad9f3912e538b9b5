"""The house rules that no linter knows (README, house rules): each exception is named, with its reason."""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models
from factory.django import DjangoModelFactory

from npq.core.errors import Refused, RefusedTogether, catalogue
from npq.core.models import Record
from tests import factories

PACKAGES = ("npq", "applications", "participants", "declarations", "finance")
APPS = ("applications", "participants", "declarations", "finance")


@cache
def sources() -> dict[str, ast.Module]:
    """The syntax tree of every module of ours, migrations aside, by its path below the root."""
    paths = [path for package in PACKAGES for path in sorted((settings.ROOT / package).rglob("*.py"))]
    return {
        str(path.relative_to(settings.ROOT)): ast.parse(path.read_text())
        for path in paths
        if "migrations" not in path.parts
    }


def in_rooms(path: str, rooms: dict[str, str]) -> bool:
    """Whether a module is, or lies in, one of the excepted places."""
    return any(path == room or path.startswith(f"{room}/") for room in rooms)


def docstrings(tree: ast.Module) -> set[ast.expr]:
    """The nodes that are documentation and not values."""
    return {
        statement.value
        for statement in ast.walk(tree)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    }


def texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """The text constants of a module, docstrings aside."""
    documentation = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documentation:
            yield node


# Versions of the API are the API's business -------------------------------------------------------

MAY_SAY_A_VERSION = {
    "npq/benchmark": "measures the API from outside, as a client",
    "npq/management/commands/sandbox.py": "prints an address to paste",
    "npq/sandbox/practice.py": "leaves what clients of the API once asked",
}


def test_versions_are_mentioned_in_api_rooms_only() -> None:
    said = [
        f"{path}:{node.lineno} {node.value!r}"
        for path, tree in sources().items()
        if "/api/" not in path and not in_rooms(path, MAY_SAY_A_VERSION)
        for node in texts(tree)
        if re.search(r"\bv[123]\b", node.value)
    ]

    assert said == []


# One clock -----------------------------------------------------------------------------------------

MAY_READ_THE_CLOCK = {
    "npq/core/clock.py": "is the clock",
    "npq/benchmark": "fills a database of its own by SQL; no rule looks at those dates",
}
CLOCK_READS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("timezone", "now"),
    ("timezone", "localdate"),
    ("timezone", "localtime"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
}
SQL_CLOCK = re.compile(r"\b(now\(\)|current_date|current_timestamp|localtimestamp)", re.IGNORECASE)


def _reads_of_the_clock(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if (name, node.attr) in CLOCK_READS:
                yield f"{node.lineno} {name}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").rpartition(".")[2]
            yield from (f"{node.lineno} {module}.{it.name}" for it in node.names if (module, it.name) in CLOCK_READS)
    yield from (f"{node.lineno} {node.value[:60]!r}" for node in texts(tree) if SQL_CLOCK.search(node.value))


def test_nobody_but_the_clock_reads_the_clock() -> None:
    reads = [
        f"{path}:{read}"
        for path, tree in sources().items()
        if not in_rooms(path, MAY_READ_THE_CLOCK)
        for read in _reads_of_the_clock(tree)
    ]

    assert reads == []


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\ndatetime.datetime.now()",
        "from django.utils import timezone\ntimezone.now()",
        "from datetime import date\ndate.today()",
        "import time\ntime.time()",
        "from django.utils.timezone import now",
        "from time import time",
        "cursor.execute('SELECT now()')",
    ],
)
def test_a_read_of_the_clock_is_seen(source: str) -> None:
    assert list(_reads_of_the_clock(ast.parse(source)))


# Models, factories, trail --------------------------------------------------------------------------

WITHOUT_FACTORY = {
    "core.Change": "the trail is written by the trigger and by nothing else",
}
WITHOUT_TRAIL = {
    "core.Change": "is the trail",
    "core.ApiTokenUse": "reading is no change; it is written on the way of requests",
    "core.RateCounter": "counts requests",
    "core.TokenDay": "counts requests",
    "core.RefusalCount": "counts requests",
    "core.RefusedRequest": "tells of requests that changed nothing, and is soon removed",
    "backoffice.AccessEvent": "is itself an account of what happened, and append-only",
    "backoffice.Authenticator": "moves with every code; that it was set up or reset is in the access log",
    "backoffice.CheckResult": "is an account of what was found; each run replaces it",
    "backoffice.Confirmation": "is written together with what it stands for, and that is in the trail",
    "backoffice.BulkRow": "is an account of its own, and holds what people upload only for a while",
    "core.Message": "the outbox is itself an account of what was said; the change it tells of is in the trail",
}


def our_models() -> list[type[models.Model]]:
    """The models of our apps."""
    return [
        model
        for config in apps.get_app_configs()
        if config.name.split(".")[0] in PACKAGES
        for model in config.get_models()
    ]


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_every_model_has_a_factory(model: type[models.Model]) -> None:
    made = {
        factory._meta.model
        for _, factory in inspect.getmembers(factories, inspect.isclass)
        if issubclass(factory, DjangoModelFactory)
    }

    assert (model in made) != (model._meta.label in WITHOUT_FACTORY)


@pytest.mark.django_db
@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_every_record_leaves_a_trail(model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled = 'O'",
            [model._meta.db_table],
        )
        triggers = {name for (name,) in cursor.fetchall()}

    table = model._meta.db_table
    if model._meta.label in WITHOUT_TRAIL:
        assert f"{table}_trail" not in triggers
    else:
        assert issubclass(model, Record)
        assert f"{table}_trail" in triggers
        assert f"{table}_updated_at" in triggers or f"{table}_append_only" in triggers


def test_exceptions_name_models_that_exist() -> None:
    labels = {model._meta.label for model in our_models()}

    assert set(WITHOUT_FACTORY) | set(WITHOUT_TRAIL) <= labels


# Refusals ------------------------------------------------------------------------------------------


def refusals() -> list[type[Refused]]:
    """Every refusal of ours that can be raised on its own."""
    for app in APPS:
        import_module(f"{app}.errors")
    import_module("npq.api.errors")
    found, pending = [], list(Refused.__subclasses__())
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        # A class without a code that others refine (BadRequest) only lends them its title and status.
        stands_alone = "code" in vars(kind) or not kind.__subclasses__()
        if kind.__module__.split(".")[0] in PACKAGES and kind is not RefusedTogether and stands_alone:
            found.append(kind)
    return sorted(set(found), key=lambda kind: (kind.__module__, kind.__name__))


@pytest.mark.parametrize("kind", refusals(), ids=lambda kind: kind.__name__)
def test_every_refusal_says_what_it_is_and_what_to_do(kind: type[Refused]) -> None:
    assert "__doc__" in vars(kind)
    assert (vars(kind)["__doc__"] or "").strip().endswith(".")
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", kind.code)
    assert kind.title
    assert kind.detail[-1] in ".?}", kind.detail
    assert kind.status in (400, 403, 404, 409, 410, 411, 413, 422)


def test_codes_are_unique_and_complete() -> None:
    # Other tests may have made refusals of their own in this process; those are named test_….
    published = [error.code for error in catalogue() if not error.code.startswith("test_")]
    assert published == sorted({kind.code for kind in refusals()})


# Money ---------------------------------------------------------------------------------------------

MAY_SAY_FLOAT: dict[str, str] = {}


def _floats(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if (isinstance(node, ast.Name) and node.id in ("float", "FloatField")) or (
            isinstance(node, ast.Attribute) and node.attr == "FloatField"
        ):
            yield f"{node.lineno} float"
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{node.lineno} {node.value}"
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "round":
            yield f"{node.lineno} round()"


def test_no_float_touches_money() -> None:
    floats = [
        f"{path}:{found}"
        for path, tree in sources().items()
        if path.startswith("finance/") or path.endswith(("/models.py", "money.py"))
        if not in_rooms(path, MAY_SAY_FLOAT)
        for found in _floats(tree)
    ]

    assert floats == []


def test_no_column_holds_a_float() -> None:
    with_floats = [
        f"{model._meta.label}.{field.name}"
        for model in our_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.FloatField)
    ]

    assert with_floats == []


# Services ------------------------------------------------------------------------------------------


def services() -> list[tuple[str, object]]:
    """What each app's `services` lists as its contents."""
    found = []
    for app in APPS:
        module = import_module(f"{app}.services")
        found += [(f"{app}.services.{name}", getattr(module, name)) for name in getattr(module, "__all__", ())]
    return found


# Steps of another service's transaction, which hands them the row it has locked.
STEPS = {
    "finance.services.claw_back": "declaration",
    "finance.services.place_on_statement": "declaration",
    "finance.services.promote_fundable": "enrolment",
    "finance.services.take_off_statement": "declaration",
}


@pytest.mark.parametrize(("name", "service"), services(), ids=lambda value: value if isinstance(value, str) else "")
def test_services_are_called_by_keyword_with_types(name: str, service: object) -> None:
    if inspect.isclass(service) or not callable(service):
        return
    signature = inspect.signature(service)

    loose = [p.name for p in signature.parameters.values() if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    untyped = [p.name for p in signature.parameters.values() if p.annotation is inspect.Parameter.empty]
    assert (loose, untyped) == ([STEPS[name]] if name in STEPS else [], []), name
    if name in STEPS:
        assert "acting_as" not in inspect.getsource(service)
    assert signature.return_annotation is not inspect.Signature.empty
    assert (service.__doc__ or "").strip()


@pytest.mark.parametrize("app", APPS)
def test_every_verb_is_in_the_contents(app: str) -> None:
    package: ModuleType = import_module(f"{app}.services")
    listed = set(getattr(package, "__all__", ()))
    verbs = {path.stem for path in Path(package.__path__[0]).glob("*.py") if not path.stem.startswith("_")}
    writers = {
        name
        for verb in verbs
        for name, function in inspect.getmembers(import_module(f"{app}.services.{verb}"), inspect.isfunction)
        if function.__module__ == f"{app}.services.{verb}"
        and not name.startswith("_")
        and {"by"} <= set(inspect.signature(function).parameters)
        and re.search(r"with (acting_as|correcting)\(", inspect.getsource(function))
    }

    assert writers <= listed
