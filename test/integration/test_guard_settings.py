"""Settings with which a guarded PostgreSQL would not come up (G4, postgres-facts 8)."""

import signal

import pytest
from lab import stays, wait_for

SETTING = "recovery_target_name"
REFUSED = rf'with "{SETTING}" = "never" the start guard must not be armed'
ARMED = r"it is armed already, and stays so"


@pytest.mark.parametrize("minimal", [False, True], ids=["superuser", "minimal"])
def test_recovery_target(cluster, minimal):
    """Not armed with it, armed once it is gone; then it stays, with a warning. A role
    that may not read the configuration files sees what is in force."""
    node = cluster(1, daemons=False, minimal_grants=minimal)[1]
    guard = node.data / "standby.signal"
    with node.connect(user="postgres") as boss:
        boss.execute(f"alter system set {SETTING} = 'never'")
    node.reload()
    if minimal:
        node.stop()
        node.start()
    node.start_daemon()
    node.wait_log(REFUSED)
    node.wait_log(f"HINT.*ALTER SYSTEM RESET {SETTING}")
    stays(lambda: not guard.exists(), 1, "the guard is not armed")
    if minimal:
        return

    node.sql(f"alter system reset {SETTING}")
    node.reload()
    node.signal_daemon(signal.SIGHUP)
    wait_for(guard.exists, 10, "the guard to be armed")

    node.sql(f"alter system set {SETTING} = 'never'")
    node.reload()
    end = node.log_end()
    node.signal_daemon(signal.SIGHUP)
    node.wait_log(REFUSED, since=end)
    node.wait_log(ARMED, since=end)
    stays(guard.exists, 1, "the guard stays")
