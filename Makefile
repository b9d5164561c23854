# What is worth a name. `make check test` is what CI asks; the rest takes longer and is run by hand.
PYTHON ?= .venv/bin/python
KILLS ?= 1000
CUTS ?= 500
SECONDS ?= 600
MINUTES ?= 20
SEED ?= 7
DATABASE ?= both
ROUNDS ?= 5
PAGES ?= 5000
export PYTHONPATH := tests:tests/faults

.PHONY: check test faults powercut fuzz soak audit lowest newest bench

check:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(dir $(PYTHON))lint-imports
	$(dir $(PYTHON))deptry .

test:
	$(PYTHON) -m pytest -q

# kills anything at any moment, on SQLite and on PostgreSQL, and counts what was lost: docs/reliability.md
faults:
	$(PYTHON) tests/faults/storm.py --kills $(KILLS) --seed $(SEED) --database $(DATABASE) $(ARGS)

# cuts the power at any moment of what SQLite wrote, and looks for what was acknowledged
powercut:
	$(PYTHON) tests/faults/powercut.py --cuts $(CUTS) --seed $(SEED)

# feeds, sitemaps and WARC files as atheris invents them; what it found to be new stays in build/fuzz-corpus
fuzz:
	python3 -m venv build/fuzz
	build/fuzz/bin/pip install -q -c constraints.txt atheris -e .
	build/fuzz/bin/python tests/faults/fuzz.py --seconds $(SECONDS)

# a crawl that goes on and on: whether memory, open files and Redis stay as they are
soak:
	$(PYTHON) tests/faults/soak.py --minutes $(MINUTES)

# asks for the known weaknesses of what constraints.txt installs; needs the network, and fails without
audit:
	python3 -m venv build/audit
	build/audit/bin/pip install -q pip-audit
	build/audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt

# with the least version of everything that pyproject.toml names, and with the newest there is: the fast tests, those of
# RQ and Valkey, and those of what leans most on others (Scrapy, aiohttp, trafilatura, SQLAlchemy) but the slow ones
LEANING := crawl ledger search stages store transport
lowest newest:
	python3 -m venv build/$@
	build/$@/bin/pip install -q uv
	build/$@/bin/uv pip install -q --python build/$@/bin/python --resolution $(if $(filter lowest,$@),lowest-direct,highest) -e '.[test]'
	build/$@/bin/python -m pytest -q tests/unit tests/integration/test_queues.py tests/integration/test_work.py
	build/$@/bin/python -m pytest -q -m 'not slow' $(LEANING:%=tests/integration/test_%.py)

# suchlike beside its peers and its parts beside theirs: docs/performance.md; ROUNDS=1 PAGES=200 for a first look
bench:
	$(PYTHON) benchmarks/all.py --rounds $(ROUNDS) --pages $(PAGES) $(ARGS)
