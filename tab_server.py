"""Starts Gradio's server with patience: a busy machine may need longer than the five seconds it is given."""

from __future__ import annotations

import threading
import time

from gradio import http_server
from gradio.exceptions import ServerFailedToStartError


class PatientServer(http_server.Server):
    """Waits for as long as the server is starting. Gradio's own gives up, and then the program ends."""

    def run_in_thread(self) -> None:
        """Returns when the server answers; raises ServerFailedToStartError when it has ended instead."""
        if self.reloader:  # on a Space
            self.watch_thread = threading.Thread(target=self.watch, daemon=True)
            self.watch_thread.start()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        while not self.started:
            if not self.thread.is_alive():
                raise ServerFailedToStartError("The server did not start; is its port taken?")
            time.sleep(0.01)


def be_patient() -> None:
    """Let `launch` start its server as `PatientServer` does."""
    http_server.Server = PatientServer  # type: ignore[misc]
