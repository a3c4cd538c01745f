"""What fails in the oracle's person says what was expected and what was found."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.oracle.household")
