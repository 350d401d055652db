# 网格吹哨 Gridwhistle. `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEV    := $(VENV)/.installed-dev
PEERS  := .venv-bench
BENCH  := $(PEERS)/.installed
# uv does not read pip's settings: hand it pip's index and certificates.
PIP_CONF = $(shell $(PYTHON) -m pip config get $(1) 2>/dev/null)
UV_ENV  = UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$(or $(call PIP_CONF,global.index-url),https://pypi.org/simple)}}" \
          UV_NATIVE_TLS=1 UV_HTTP_TIMEOUT=180 VIRTUAL_ENV="$(CURDIR)/$(VENV)"
UV      = $(UV_ENV) $(BIN)/uv
ARGS   ?=
# Containers often set this; then each of the dozen processes of `up` compiles every library anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup up test test-faults test-kafka evaluate check format bench bench-kafka lock clean

help: ## 列出目标 list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/uv:
	@echo "建立环境 .venv / making the environment"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt

$(STAMP): requirements/run.txt pyproject.toml | $(BIN)/uv
	@echo "安装依赖(按锁定的版本与哈希) / installing locked requirements"
	@$(UV) pip install --quiet --require-hashes -r requirements/run.txt
	@$(UV) pip install --quiet --require-hashes -r requirements/build.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@echo "学习判定模型 / learning the model of the shipped profile"
	@$(BIN)/gridwhistle train >/dev/null
	@touch $@

$(DEV): requirements/dev.txt $(STAMP)
	@$(UV) pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

$(BENCH): requirements/bench.txt $(DEV)
	@echo "安装对照系统到 $(PEERS) / installing the peers into an environment of their own"
	@$(PYTHON) -m venv $(PEERS)
	@$(UV_ENV) $(BIN)/uv pip install --quiet --python $(PEERS)/bin/python --require-hashes -r requirements/bench.txt
	@touch $@

setup: $(STAMP) ## 安装到 .venv install into .venv

up: $(STAMP) ## 启动全部环节 start everything (ARGS="--port 8081 --no-simulator")
	@$(BIN)/gridwhistle up $(ARGS)

test: $(DEV) ## 运行测试 run the tests
	$(BIN)/python -m pytest -m "not faults" -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-kafka: $(DEV) ## 在真正的 Apache Kafka 上运行契约与故障测试 contract and faults on Apache Kafka
	$(BIN)/python tests/broker/apache_kafka.py run -- $(BIN)/python -m pytest tests/broker -m "not embedded_only" $(ARGS)
	GRIDWHISTLE_FAULT_BROKER=apache $(BIN)/python -m pytest tests/faults -m "not faults" $(ARGS)

test-faults: $(DEV) ## 长时间故障测试 the long fault tests
	$(BIN)/python -m tests.faults $(ARGS)

evaluate: $(DEV) ## 判定质量评测 how well events are decided
	$(BIN)/python -m ops.evaluate $(ARGS)

check: $(DEV) ## 风格、类型、导入方向 lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV) ## 整理格式 format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(BENCH) ## 运行基准 run the benchmarks
	$(BIN)/gridwhistle bench all

bench-kafka: $(BENCH) ## 在真正的 Apache Kafka 上运行吞吐基准 hot path on Apache Kafka
	$(BIN)/python tests/broker/apache_kafka.py run -- $(BIN)/gridwhistle bench hotpath $(ARGS)

lock: | $(BIN)/uv ## 重新锁定依赖 lock the dependencies again
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url pyproject.toml -o requirements/run.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group build -c requirements/run.txt -o requirements/build.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group dev -c requirements/run.txt -o requirements/dev.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url pyproject.toml --group bench -o requirements/bench.txt
	echo uv | $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url - -o requirements/uv.txt

clean: ## 删除环境与缓存 remove the environment and caches (data/ stays)
	rm -rf $(VENV) $(PEERS) .pytest_cache .mypy_cache .ruff_cache .hypothesis .kafka ops/wall/static/vendor
