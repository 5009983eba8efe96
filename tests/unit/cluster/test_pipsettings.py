"""The machine's pip settings are gathered whole for a build, and nothing else of the machine is."""

from e2e.cluster.pipsettings import gather

GLOBAL = """[global]
index-url = https://index.example/simple
cert = /etc/ssl/certs/ca-certificates.crt
find-links =
    /opt/wheels
    /opt/wheels-more
progress-bar = off
"""


def test_a_later_file_and_then_a_variable_win() -> None:
    user = "[install]\nindex-url = https://user.example/simple\n"

    by_file = gather([GLOBAL, user], {})
    by_variable = gather([GLOBAL, user], {"PIP_INDEX_URL": "https://env.example/simple"})

    assert "index-url = https://user.example/simple\n" in by_file.text
    assert "index-url = https://env.example/simple\n" in by_variable.text


def test_only_what_a_build_needs_is_taken() -> None:
    assert "progress-bar" not in gather([GLOBAL], {"PIP_PROGRESS_BAR": "on", "PIP_REQUIRE_VIRTUALENV": "1"}).text


def test_the_paths_of_the_machine_are_known() -> None:
    assert gather([GLOBAL], {}).paths == ("/opt/wheels", "/opt/wheels-more", "/etc/ssl/certs/ca-certificates.crt")


def test_every_path_is_moved_beneath_the_folder_and_addresses_are_not() -> None:
    moved = gather([GLOBAL], {}).beneath("/run/machine")

    assert "find-links = /run/machine/opt/wheels\n    /run/machine/opt/wheels-more\n" in moved
    assert "cert = /run/machine/etc/ssl/certs/ca-certificates.crt\n" in moved
    assert "index-url = https://index.example/simple\n" in moved


def test_a_machine_without_settings_gives_an_empty_file() -> None:
    settings = gather([], {})

    assert (settings.text, settings.paths) == ("[global]\n", ())
