"""A plugin of pytest for tools/cover: servers are asked to leave before they are killed.

A process that is killed takes its counts with it; for the tests it makes no difference.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import Any

PATIENCE_S = 5.0


def pytest_collection_finish() -> None:
    server = sys.modules.get("server")
    if server is None:
        return
    kill = server.Server.kill

    def leave(self: Any) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE_S)
        kill(self)

    server.Server.kill = leave
