"""The rendered views against the contract: fields, types and rules for every state a service can be in."""

import orjson
import pytest

from hubcore import views
from hubcore.models import (
    Container,
    ContainerStatus,
    ContainerSummary,
    DockerBlock,
    EngineState,
    EngineStatus,
    Figures,
    Health,
    HealthStatus,
    HostFigures,
    ServiceState,
    Snapshot,
    text,
)
from hubcore.presets import PRESETS
from hubcore.views_text import clean, link, number, plain, say

NOW = 1_700_000_000.0
HOST = HostFigures(
    taken_at=NOW - 2,
    cpu_percent=12.34,
    memory_percent=55.55,
    memory_total=25_232_932_864,
    memory_used=14_000_000_000,
    disk_percent=71.0,
    disk_total=500 * 1024**3,
    disk_used=355 * 1024**3,
)
FIGURES = Figures(
    taken_at=NOW - 1,
    cpu_percent=153.456,
    memory_usage=100,
    memory_limit=400,
    memory_percent=25.0,
    network_rx=11,
    network_tx=22,
)


def service(name: str = "redis", **fields: object) -> ServiceState:
    base: dict[str, object] = {
        "title": name,
        "description": "A service",
        "container_status": ContainerStatus.RUNNING,
        "health": Health(status=HealthStatus.HEALTHY, checked_at=NOW - 3),
        "container_name": f"hub-{name}-1",
        "updated_at": NOW - 1,
        "category": "database",
    }
    return ServiceState.model_validate({**base, **fields, "name": name})


def snapshot(*services: ServiceState, **fields: object) -> Snapshot:
    base: dict[str, object] = {
        "published_at": NOW,
        "engine": EngineState(status=EngineStatus.CONNECTED, last_seen=NOW),
        "host": HOST,
        "docker": DockerBlock(
            taken_at=NOW - 4,
            containers=(
                ContainerSummary(name="a", status="running", short_id="0123456789ab"),
                ContainerSummary(name="b", status="exited", short_id="ba9876543210"),
            ),
        ),
        "services": {s.name: s for s in services},
    }
    return Snapshot.model_validate({**base, **fields})


def rendered(snap: Snapshot, name: str) -> dict:
    body = views.render(snap)[name]
    return orjson.loads(views.finish(name, body, views.ages_of(snap), NOW, hits=7))


def unreachable(**fields: object) -> EngineState:
    return EngineState(status=EngineStatus.UNREACHABLE, last_seen=NOW - 60, reason=text("Docker is away."), **fields)


# --- entries

STATUS_FIELDS = {
    "name": str,
    "description": str,
    "category": str,
    "port": (int, type(None)),
    "container_status": str,
    "health_status": str,
    "timestamp": float,
    "url": (str, type(None)),
}
SERVICES_FIELDS = {k: v for k, v in STATUS_FIELDS.items() if k != "url"} | {
    "container_name": str,
    "env_file": (str, type(None)),
    "data_dir": (str, type(None)),
    "health_url": (str, type(None)),
    "config_files": list,
}
RESOURCE_FIELDS = {
    "status": str,
    "cpu_percent": float,
    "memory_usage": int,
    "memory_limit": int,
    "memory_percent": float,
    "network_rx": int,
    "network_tx": int,
    "timestamp": float,
}


def check(entry: dict, fields: dict) -> None:
    for field, kind in fields.items():
        assert field in entry, field
        assert isinstance(entry[field], kind), (field, entry[field])
        assert not isinstance(entry[field], bool), field


@pytest.mark.parametrize("engine", [EngineState(), unreachable(), EngineState(status=EngineStatus.CONNECTED)])
def test_every_view_lists_the_13_services_and_all_others(engine: EngineState) -> None:
    snap = snapshot(service("redis"), service("my-own", category="strange"), engine=engine)
    for name, fields in (("status", STATUS_FIELDS), ("services", SERVICES_FIELDS)):
        answer = rendered(snap, name)
        assert set(answer) == set(PRESETS) | {"my-own"}
        for key, entry in answer.items():
            check(entry, fields)
            assert entry["name"] == key
            assert entry["description"]
        assert answer["my-own"]["category"] == "other"
    for entry in rendered(snap, "services_resources").values():
        check(entry["resources"], RESOURCE_FIELDS)
    assert "resources" not in rendered(snap, "services")["redis"]


def test_a_service_that_was_never_seen_has_the_legacy_defaults() -> None:
    entry = rendered(snapshot(), "services")["searxng"]
    assert entry["container_status"] == "not_found"
    assert entry["health_status"] == "unknown"
    assert entry["container_name"] == "open-webui-hub-searxng-1"
    assert entry["config_files"] == ["conf/searxng/settings.yml", "conf/searxng/uwsgi.ini"]
    assert entry["env_file"] == "searxng.env"
    assert entry["port"] == 8080
    assert rendered(snapshot(), "services")["nginx"]["env_file"] is None
    assert rendered(snapshot(), "status")["ollama"]["url"] == "http://localhost:11435/api/version"


def test_the_health_status_is_passed_on_as_it_is() -> None:
    for status in HealthStatus:
        entry = rendered(snapshot(service(health=Health(status=status))), "status")["redis"]
        assert entry["health_status"] == status.value


def test_error_fields_are_present_only_with_something_to_say() -> None:
    fine = rendered(snapshot(service(health=Health(status=HealthStatus.HEALTHY, reason=text("Fine.")))), "status")
    assert not {"container_error", "health_error", "error"} & set(fine["redis"])
    bad = Health(status=HealthStatus.TIMEOUT, reason=text("No answer in {seconds} s.", seconds=5))
    snap = snapshot(service(health=bad, container_error=text("Exited with code {code}.", code=1)))
    entry = rendered(snap, "services")["redis"]
    assert entry["health_error"] == "No answer in 5 s."
    assert entry["container_error"] == "Exited with code 1."
    assert "error" not in entry


@pytest.mark.parametrize(
    "fields",
    [
        {"container_status": ContainerStatus.ERROR},
        {"health": Health(status=HealthStatus.ERROR)},
        {"container_status": ContainerStatus.ERROR, "container_error": text("Broke.")},
    ],
)
def test_a_failed_check_has_an_error_text(fields: dict) -> None:
    assert rendered(snapshot(service(**fields)), "status")["redis"]["error"]


def test_engine_away_shows_the_last_known_state_beside_docker_unavailable() -> None:
    seen = service(stale=True)
    emptied = service("db", container_status=ContainerStatus.DOCKER_UNAVAILABLE, container=None)
    marked = service(
        "tika",
        container_status=ContainerStatus.DOCKER_UNAVAILABLE,
        container=Container(id="c", name="x", status=ContainerStatus.EXITED),
    )
    answer = rendered(snapshot(seen, emptied, marked, engine=unreachable()), "status")
    assert {entry["container_status"] for entry in answer.values()} == {"docker_unavailable"}
    assert answer["redis"]["last_known_status"] == "running"
    assert answer["redis"]["last_known_at"] == NOW - 60
    assert answer["redis"]["container_error"] == "Docker is away."
    assert answer["redis"]["stale"] is True
    assert "last_known_status" not in answer["db"]
    assert answer["tika"]["last_known_status"] == "exited"


# --- resources


@pytest.mark.parametrize(
    ("fields", "status", "error", "cpu"),
    [
        ({"figures": FIGURES}, "running", False, 153.46),
        ({"figures": FIGURES.model_copy(update={"cpu_percent": None})}, "running", False, 0.0),
        ({"figures": None}, "running", False, 0.0),
        ({"figures": FIGURES, "container_status": ContainerStatus.EXITED}, "exited", False, 0.0),
        ({"figures": FIGURES, "container_status": ContainerStatus.PAUSED}, "paused", False, 0.0),
        ({"container_status": ContainerStatus.CREATED}, "created", False, 0.0),
        ({"container_status": ContainerStatus.NOT_FOUND}, "not_found", True, 0.0),
        ({"container_status": ContainerStatus.ERROR}, "error", True, 0.0),
        ({"container_status": ContainerStatus.NOT_FOUND, "native": True, "figures": FIGURES}, "running", False, 153.46),
    ],
)
def test_resources_by_container_state(fields: dict, status: str, error: bool, cpu: float) -> None:
    resources = rendered(snapshot(service(**fields)), "services_resources")["redis"]["resources"]
    check(resources, RESOURCE_FIELDS)
    assert resources["status"] == status
    assert ("error" in resources) is error
    assert resources["cpu_percent"] == cpu
    assert (resources["memory_usage"] > 0) is (fields.get("figures") is not None and status == "running")


def test_resources_with_the_engine_away_carry_an_error() -> None:
    snap = snapshot(service(figures=FIGURES), engine=unreachable())
    resources = rendered(snap, "services_resources")["redis"]["resources"]
    assert resources["status"] == "docker_unavailable"
    assert resources["error"] == "Docker is away."
    assert resources["cpu_percent"] == 0.0


def test_memory_percent_is_zero_without_a_limit_and_never_above_100() -> None:
    no_limit = FIGURES.model_copy(update={"memory_limit": 0, "memory_percent": 50.0})
    over = FIGURES.model_copy(update={"memory_percent": 120.0})
    for figures, expected in ((no_limit, 0.0), (over, 100.0), (FIGURES, 25.0)):
        entry = rendered(snapshot(service(figures=figures)), "services_resources")["redis"]
        assert entry["resources"]["memory_percent"] == expected


# --- host


def test_metrics_have_both_generations_from_one_sample() -> None:
    answer = rendered(snapshot(), "metrics")
    flat = {
        "cpu_usage": "12.3%",
        "memory_usage": "55.5%",
        "memory_total": "23.5 GB",
        "disk_usage": "71.0%",
        "disk_total": "500.0 GB",
    }
    assert {key: answer[key] for key in flat} == flat
    assert {key: answer["system"][key] for key in flat} == flat
    assert answer["system"]["timestamp"] == NOW - 2
    assert answer["container_count"] == "1 active"
    assert answer["docker"]["total_containers"] == 2
    assert answer["docker"]["containers"][0] == {"name": "a", "status": "running", "short_id": "0123456789ab"}
    assert answer["cache_info"] == {"system_cache_age": 2.0, "docker_cache_age": 4.0}


def test_system_stats() -> None:
    answer = rendered(snapshot(), "system_stats")
    system = answer["system"]
    assert (system["cpu_percent"], system["memory_percent"], system["disk_percent"]) == (12.3, 55.5, 71.0)
    for field in ("memory_total", "memory_used", "disk_total", "disk_used"):
        assert system[field] == getattr(HOST, field)
    assert answer["docker"]["running_containers"] == 1
    assert answer["performance"] == {"cache_hits": 7, "cache_age": {"system": 2.0, "docker": 4.0}}


@pytest.mark.parametrize(
    "engine", [unreachable(), EngineState(status=EngineStatus.UNREACHABLE), EngineState(status=EngineStatus.CONNECTING)]
)
def test_docker_block_without_an_engine(engine: EngineState) -> None:
    taken_at = None if engine.status == EngineStatus.CONNECTING else NOW - 9
    snap = snapshot(engine=engine, docker=DockerBlock(taken_at=taken_at))
    for view in ("metrics", "system_stats"):
        block = rendered(snap, view)["docker"]
        assert (block["total_containers"], block["running_containers"], block["containers"]) == (0, 0, [])
        assert block["error"]
        assert isinstance(block["timestamp"], float)
    assert rendered(snap, "metrics")["container_count"] == "0 active"


def test_an_empty_snapshot_still_has_every_field_and_type() -> None:
    snap = Snapshot()
    metrics, stats = rendered(snap, "metrics"), rendered(snap, "system_stats")
    assert metrics["cpu_usage"] == "0.0%"
    assert metrics["memory_total"] == "0.0 GB"
    assert metrics["system"]["error"]
    assert stats["system"]["cpu_percent"] == 0.0
    assert metrics["cache_info"] == {"system_cache_age": 0.0, "docker_cache_age": 0.0}
    assert len(rendered(snap, "status")) == 13


# --- ages and tags


def test_ages_grow_without_rendering_and_are_never_negative() -> None:
    snap = snapshot()
    body = views.render(snap)["metrics"]
    later = orjson.loads(views.finish("metrics", body, views.ages_of(snap), NOW + 10))
    before = orjson.loads(views.finish("metrics", body, views.ages_of(snap), NOW - 100))
    assert later["cache_info"] == {"system_cache_age": 12.0, "docker_cache_age": 14.0}
    assert before["cache_info"] == {"system_cache_age": 0.0, "docker_cache_age": 0.0}


def test_views_without_ages_are_finished_already() -> None:
    bodies = views.render(snapshot(service()))
    assert set(bodies) == set(views.VIEW_NAMES)
    for name in ("status", "services", "services_resources"):
        assert views.finish(name, bodies[name], views.Ages(), NOW) is bodies[name]


def test_the_tag_changes_with_the_content_only() -> None:
    one, same = views.render(snapshot(service())), views.render(snapshot(service()))
    other = views.render(snapshot(service(container_status=ContainerStatus.EXITED)))
    assert views.etag(one["status"]) == views.etag(same["status"])
    assert views.etag(one["status"]) != views.etag(other["status"])
    assert views.etag(one["status"]).startswith('W/"')


# --- cache listing

TTLS = views.Ttls(system_metrics=10, docker_stats=15, service_health=30, container_resources=20)


def test_cache_listing_keeps_the_legacy_keys_and_arithmetic() -> None:
    info = views.cache_entries(snapshot(service(figures=FIGURES), service("db", health=Health())), TTLS, NOW)
    assert set(info.details) == {
        "system_metrics",
        "docker_stats",
        "service_health_redis",
        "container_resources_redis",
    }
    for key, age, expires in (("system_metrics", 2, 8), ("docker_stats", 4, 11), ("service_health_redis", 3, 27)):
        assert (info.details[key].age, info.details[key].expires_in) == (age, expires)
        assert info.details[key].size > 0
    late = views.cache_entries(snapshot(), TTLS, NOW + 100)
    assert late.details["system_metrics"].expires_in == -92
    assert views.cache_entries(None, TTLS, NOW).details == {}


def test_durations_have_the_aliases() -> None:
    assert views.durations(TTLS) == {
        "system_metrics": 10,
        "docker_stats": 15,
        "service_health": 30,
        "container_resources": 20,
        "system": 10,
        "docker": 15,
        "service": 30,
        "service_status": 30,
        "container": 20,
    }


# --- text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("PostgreSQL Database", "PostgreSQL Database"),
        ("Redis Cache & Session Store", "Redis Cache & Session Store"),
        ("<img src=x onerror='alert(1)'>", "‹img src=x onerror=’alert(1)’›"),
        ('say "hi"', "say ”hi”"),
        ("&lt;b&gt;", "＆lt;b＆gt;"),
        ("Описание", "Описание"),
        ("a\x1b[31mb\r\nc", "a [31mb \nc"),
        ("\ud800x", "?x"),
    ],
)
def test_plain(raw: str, shown: str) -> None:
    assert plain(raw) == shown


def test_markup_of_containers_and_labels_reaches_no_view() -> None:
    evil = "<script>alert('x')</script>"
    state = service(
        evil, description=evil, container_name=evil, data_dir=evil, category=evil, container_error=text(evil)
    )
    snap = snapshot(
        state, docker=DockerBlock(taken_at=NOW, containers=(ContainerSummary(name=evil, status=evil, short_id=evil),))
    )
    for name, body in views.render(snap).items():
        assert b"<" not in body, name
        assert b"'" not in body, name


def test_a_sentence_whose_fields_do_not_fit_does_not_break_the_view() -> None:
    assert say(text("{a} {b}", a=1)) == "{a} {b}"
    assert say(None) == ""


def test_numbers_are_always_finite() -> None:
    assert [number(v, 1, 100.0) for v in (None, float("nan"), float("inf"), -3.0, 250.0, 12.34)] == [
        0,
        0,
        0,
        0,
        100,
        12.3,
    ]


def test_helpers() -> None:
    assert clean("a\u2028b") == "a b"
    assert link(None) is None
    assert link("http://x/<'\">?a=1&b=2") == "http://x/%3C%27%22%3E?a=1&b=2"
