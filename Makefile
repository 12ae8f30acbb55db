# Each target sets up what it needs; `make` alone lists them.
PYTHON ?= python3
PORT ?= 8888
BROWSER ?= yes

py := .venv/bin/python
install := @$(PYTHON) course/install.py
texts := $(wildcard course/source/*.py assignments/text/*.py) course/build.py course/measured.json
root := $(filter 0,$(shell id -u))

# where there is no home to write to, Jupyter and matplotlib get one
ifneq ($(shell [ -w "$$HOME" ] || echo none),)
export HOME := $(CURDIR)/build/home
endif

.PHONY: help lab test grade notebooks notebooks-run results examples twins trust bench clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

lab: data/streets ## open the course in JupyterLab [PORT=8888] [BROWSER=no] [TORCH_INDEX=url]
	$(install) lab torch keras
	@$(MAKE) --no-print-directory build/notebooks
	@exec $(py) -m jupyterlab --port=$(PORT) --ServerApp.root_dir=. \
		--LabApp.default_url=/lab/tree/course/00_start_here.ipynb \
		--ServerApp.answer_yes=True --LabApp.app_settings_dir=course/lab \
		$(if $(root),--allow-root) $(if $(filter no,$(BROWSER)),--no-browser)

# a sample of street scenes, laid out as the Lyft-Udacity data is
data/streets:
	$(install) lab torch keras
	@$(py) -c "from helpers.streets import write; write('$@.new', range(8), range(5))"
	@mv $@.new $@

# missing or outdated notebooks; those that somebody has worked in stay as they are
build/notebooks: $(texts)
	@$(py) course/build.py --keep-work
	@mkdir -p build && touch $@

notebooks: ## derive every notebook, solved ones into build/solved; check the spelling
	$(install) author
	@$(py) course/build.py
	@$(py) course/build.py --solved
	@$(py) course/prose.py

notebooks-run: ## run every notebook; writes minutes and memory into the headers, build/notebooks.json
	$(install) lab torch keras author
	@$(py) course/run.py --update
	@$(py) course/build.py

test: ## run every test
	$(install) lab torch keras grade author test
	@{ command -v bwrap && command -v chromium; } >/dev/null || $(if $(root),$(apt),$(ask))
	@OMP_NUM_THREADS=1 $(py) -m pytest -n auto --maxprocesses 4 --dist loadfile

trust: ## plant mistakes, right answers and attacks, all of them; writes build/trust.json
	$(install) torch keras grade author test
	@OMP_NUM_THREADS=1 $(py) -m tests.trust

apt = { apt-get update -q && apt-get install -qy bubblewrap chromium; }
ask = echo "Tests of the sandbox and of the browser need: sudo apt-get install bubblewrap chromium"

grade: ## an instructor's day: release lyft_unet, collect the example submissions, grade them
	$(install) torch keras grade
	@$(py) course/build.py --keep-work
	$(py) -m grader release lyft_unet
	$(py) -m assignments.examples build
	$(py) -m grader collect lyft_unet build/inbox
	$(py) -m grader grade lyft_unet

examples: ## train the models of the example submissions (minutes)
	$(install) torch keras grade
	$(py) -m assignments.examples train

twins: ## compare the PyTorch and the Keras networks; writes build/twins.json
	$(install) torch keras
	$(py) -m helpers.twins

results: ## what takes seeds and minutes: writes course/results/*.json, which lessons read
	$(install) torch keras
	@$(py) -m course.results

bench: ## speed as ratios to named peers; writes build/bench.json
	$(install) torch keras grade author test
	@$(py) -m tests.bench

clean: ## remove what the other targets made, all but .venv
	rm -rf build data/streets data/streets.new
