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

.PHONY: help lab test grade notebooks notebooks-run results examples twins trust bench kaggle site site-serve clean

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

lab: data/streets ## open the course in JupyterLab [PORT=8888] [BROWSER=no] [TORCH_INDEX=url]
	$(install) lab torch keras
	@$(MAKE) -s build/notebooks
	@exec $(py) -m jupyterlab --port=$(PORT) --ServerApp.root_dir=. \
		--LabApp.default_url=/lab/tree/course/00_start_here.ipynb \
		--ServerApp.answer_yes=True --LabApp.app_settings_dir=course/lab \
		--Application.log_level=ERROR --MappingKernelManager.transport_encryption=auto \
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
	@{ command -v bwrap && command -v chromium && command -v pg_ctlcluster; } >/dev/null || $(if $(root),$(apt),$(ask))
	@OMP_NUM_THREADS=1 $(py) -m pytest -n auto --maxprocesses 4 --dist loadfile

trust: ## plant mistakes, right answers and attacks, all of them; writes build/trust.json
	$(install) torch keras grade author test
	@OMP_NUM_THREADS=1 $(py) -m tests.trust

apt = { apt-get update -q && apt-get install -qy bubblewrap chromium postgresql; }
ask = echo "Some tests need: sudo apt-get install bubblewrap chromium postgresql"

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

kaggle: ## Kaggle's version of every notebook, pushed there if you are signed in [PUBLISH=yes]
	$(install) lab keras
	@$(py) course/for_kaggle.py $(if $(filter yes,$(PUBLISH)),--publish)

site: ## a web page of the whole course, with search, in build/site (the first time 20 minutes)
	$(install) lab torch keras author
	@$(py) course/web.py

site-serve: PORT = 8000
site-serve: ## show build/site on this machine alone [PORT=8000]
	@[ -d build/site ] || { echo "There is no build/site yet: make site"; exit 1; }
	@$(PYTHON) -m http.server --bind 127.0.0.1 --directory build/site $(PORT)

clean: ## remove what the other targets made, all but .venv
	rm -rf build data/streets data/streets.new
