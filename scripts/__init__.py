"""The programs behind ./run. `setup` and `processes` need nothing but Python; the others run in .venv."""
