# The two commands are `make lab` and `make test`. They need Python >= 3.11 and make, nothing else: no git, no curl, no uv.
# Plain POSIX make and sh, so that macOS's old GNU make and BSD's make read it too.
#
# One environment, .venv, and one stamp in it for each set of packages: a stamp is touched after pip has succeeded, so an
# interrupted install is taken up again, and a second run installs nothing.

.POSIX:
.PHONY: help lab test check notebooks bench fuzz oldest audit constraints settled
.NOTPARALLEL:

PYTHON =
ARGS =
VENV = .venv
BIN = $(VENV)/bin
LAB = $(VENV)/.installed-lab
TEST = $(VENV)/.installed-test
BENCH = $(VENV)/.installed-bench
FUZZ = $(VENV)/.installed-fuzz
# As environment variables and not as `-c`, so that they bind the build backend too. (PIP_BUILD_CONSTRAINT: from pip 25.3 on.)
PIP = PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 \
	$(BIN)/python -m pip install --quiet --editable
# Not so where making .venv was interrupted.
HAS_PIP = $(BIN)/python -m pip --version >/dev/null 2>&1

help:
	@echo 'make lab          set up and open the course in JupyterLab       (ARGS="-- --port=9000" goes on to it)'
	@echo "make test         set up and run every test                      (ARGS=\"-m 'not browser'\" goes on to pytest)"
	@echo 'make check        ruff and mypy'
	@echo 'make notebooks    run every notebook again, in place             (ARGS=notebooks/NAME.ipynb for some)'
	@echo 'make bench        time it against its peers, in one table        (ARGS="import dissect/4kB" for some rows)'
	@echo 'make fuzz         look for inputs that nobody thought of         (ARGS="--seconds=60 dissect"; Linux)'
	@echo 'make oldest       the tests with the oldest versions that pyproject.toml allows'
	@echo 'make audit        list the versions that are installed, and ask pip-audit about them'
	@echo 'make constraints  choose the versions in constraints.txt again   (ARGS=--upgrade for the newest)'
	@echo 'PYTHON=/path/to/python names the Python that .venv is made with; otherwise the first one >= 3.11 is taken.'

lab: settled $(LAB)
	@$(BIN)/python -m tlsnotes lab $(ARGS)

test: settled $(TEST)
	@$(BIN)/python -m pytest $(ARGS)

check: settled $(TEST)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --platform win32
	$(BIN)/mypy --platform darwin

notebooks: settled $(TEST)
	@$(BIN)/python tests/tools/execute_notebooks.py $(ARGS)

bench: settled $(BENCH)
	@$(BIN)/python -m benchmarks $(ARGS)

fuzz: settled $(FUZZ)
	@$(BIN)/python tests/tools/fuzz.py $(ARGS)

# Where one thing is old and the rest new, much is deprecated: warnings are no errors there.
oldest: $(BIN)/python
	@$(BIN)/python tests/tools/make_oldest.py
	@.venv-oldest/bin/python -m pytest -m 'not browser and not alone' -o filterwarnings=default -p no:cacheprovider $(ARGS)

audit: settled $(TEST)
	@$(BIN)/python tests/tools/audit.py

constraints: $(BIN)/python
	@$(BIN)/python tests/tools/make_constraints.py $(ARGS)

# A folder that was moved or copied brings a .venv which still points to where it was: install once more.
settled: $(BIN)/python
	@if [ "$$(cat $(VENV)/.place 2>/dev/null)" != "$$(pwd -P)" ]; then rm -f $(LAB) $(TEST) $(BENCH) $(FUZZ); fi

$(LAB): pyproject.toml constraints.txt
	@echo 'Installing what the course needs into $(VENV) (once, about a minute) ...'
	@$(HAS_PIP) || $(BIN)/python -m ensurepip
	@$(PIP) .
	@pwd -P > $(VENV)/.place
	@touch $(LAB)

$(TEST): pyproject.toml constraints.txt
	@echo 'Installing what the course and its tests need into $(VENV) (once, about a minute) ...'
	@$(HAS_PIP) || $(BIN)/python -m ensurepip
	@$(PIP) '.[test]'
	@pwd -P > $(VENV)/.place
	@touch $(LAB) $(TEST)

$(BENCH): pyproject.toml constraints.txt
	@echo 'Installing what the course and its peers need into $(VENV) (once, about a minute) ...'
	@$(HAS_PIP) || $(BIN)/python -m ensurepip
	@$(PIP) '.[bench]'
	@pwd -P > $(VENV)/.place
	@touch $(LAB) $(BENCH)

$(FUZZ): pyproject.toml constraints.txt
	@echo 'Installing what the tests and the fuzzer need into $(VENV) (once, about a minute) ...'
	@$(HAS_PIP) || $(BIN)/python -m ensurepip
	@$(PIP) '.[test,fuzz]'
	@pwd -P > $(VENV)/.place
	@touch $(LAB) $(TEST) $(FUZZ)

# Debian and Ubuntu part venv and ensurepip from Python, pyenv's shims are there for versions that are not chosen, and macOS
# has a python3 that only offers to install one: so a candidate is what runs this line, not what is called python.
$(BIN)/python:
	@for candidate in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if [ -n "$$candidate" ] && "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	        </dev/null >/dev/null 2>&1; then \
	        echo "Making $(VENV) with $$candidate ($$("$$candidate" -V)) ..."; \
	        exec "$$candidate" -m venv --clear $(VENV); \
	    elif [ -n "$(PYTHON)" ]; then break; fi; \
	done; \
	if [ -n "$(PYTHON)" ]; then \
	    echo 'PYTHON=$(PYTHON) is no Python >= 3.11 with the modules venv and ensurepip.' >&2; \
	else \
	    echo 'No Python >= 3.11 with the modules venv and ensurepip was found.' >&2; \
	fi; \
	echo 'Install one: from python.org; on Debian and Ubuntu with "apt install python3 python3-venv"; on macOS with' >&2; \
	echo '"brew install python". Or name one that is there already: make lab PYTHON=/path/to/python3.12' >&2; \
	exit 1
