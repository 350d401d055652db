"""Checks of this machine: Python, packages, disk, data directory, secrets, port, profile."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ops.doctor.finding import Finding, Site, bad, ok, warn
from ops.up.home import FORMAT
from schemas.profile_files import ProfileProblems, load_profile

PYTHONS = ((3, 11), (3, 12))
PINNED = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}  # we use private parts of both
GIB = 1 << 30
LEAST_FREE, LITTLE_FREE = GIB, 5 * GIB
LEAST_INODES = 10_000
LEAST_FILES = 1024


def python(_: Site) -> Iterator[Finding]:
    found = sys.version_info[:2]
    name = ".".join(map(str, sys.version_info[:3]))
    if found in PYTHONS:
        yield ok("Python", name)
    else:
        yield bad("Python", f"{name} 不受支持", "请用 Python 3.11 或 3.12 重新 make setup")
    wrong = [
        f"{package} {_version(package)}(应为 {wanted})"
        for package, wanted in PINNED.items()
        if _version(package) != wanted
    ]
    if wrong:
        yield bad("软件包", "、".join(wrong), "版本不符会丢数据:请运行 make setup 恢复锁定的版本")
    else:
        yield ok("软件包", "锁定的版本 " + "、".join(f"{p} {v}" for p, v in PINNED.items()))
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < LEAST_FILES:
        yield warn("文件句柄", f"上限 {soft}", f"请执行 ulimit -n {LEAST_FILES * 4} 后再启动")


def disk(site: Site) -> Iterator[Finding]:
    folder = _existing(site.home.path)
    usage = shutil.disk_usage(folder)
    said = f"{folder} 可用 {usage.free / GIB:.1f} GiB,共 {usage.total / GIB:.0f} GiB"
    remedy = f"请清理磁盘,或换一个数据目录 --data-dir;占用最多的:du -xh {folder} | sort -h | tail"
    if usage.free < LEAST_FREE:
        yield bad("磁盘", said, remedy)
    elif usage.free < LITTLE_FREE:
        yield warn("磁盘", said, remedy)
    else:
        yield ok("磁盘", said)
    inodes = os.statvfs(folder)
    if inodes.f_files and inodes.f_favail < LEAST_INODES:
        yield bad("磁盘索引节点", f"只剩 {inodes.f_favail} 个", "请删除大量小文件:df -i 查看")


def data_dir(site: Site) -> Iterator[Finding]:
    path = site.home.path
    if not path.exists():
        yield ok("数据目录", f"{path} 还不存在,首次启动时建立")
        return
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        yield bad("数据目录", f"{path} 不可写", f"请检查属主:chown -R $(id -un) {path}")
        return
    file = path / "gridwhistle.json"
    if file.exists():
        try:
            found = int(json.loads(file.read_text("utf-8"))["format"])
        except (OSError, ValueError, KeyError, TypeError):
            yield bad("数据目录", f"{file} 已损坏", "请从备份恢复此文件,或换一个数据目录")
            return
        if found > FORMAT:
            yield bad("数据目录", f"格式 {found},本程序只认识到 {FORMAT}", "请升级 gridwhistle")
            return
    held = _locked(path / ".lock")
    if site.run is not None and held:
        yield ok("数据目录", f"{path},正由进程 {site.run['pid']} 使用")
    elif held:
        yield warn("数据目录", f"{path} 被占用,但没有运行信息", "正在启动或停止:稍候再查")
    elif (path / "run.json").exists():
        yield warn("数据目录", f"{path} 上次未正常停止", "无需处理:再次 gridwhistle up 即可恢复")
    else:
        yield ok("数据目录", f"{path},没有运行")


def secrets(site: Site) -> Iterator[Finding]:
    """The secrets directory 0700, its files 0600, all ours."""
    path = site.home.secrets
    if site.settings is not None and not path.exists():
        path = site.settings.secrets_dir
    if not path.exists():
        if site.run is not None:
            yield bad("密钥目录", f"{path} 不存在", "请从备份恢复,或停止后重新 gridwhistle up")
        return
    wrong = [
        f"{one}({stat.S_IMODE(found.st_mode):04o})"
        for one in (path, *sorted(path.rglob("*")))
        if stat.S_IMODE((found := one.lstat()).st_mode) & 0o077 and not one.is_symlink()
    ]
    foreign = [str(one) for one in path.rglob("*") if one.lstat().st_uid != os.getuid()]
    if wrong:
        yield bad("密钥文件", "他人可读:" + "、".join(wrong[:3]), f"请执行 chmod -R go= {path}")
    if foreign:
        yield warn(
            "密钥文件",
            "属主不是当前用户:" + "、".join(foreign[:3]),
            f"请执行 chown -R $(id -un) {path}",
        )
    if not wrong and not foreign:
        count = sum(1 for one in path.rglob("*") if one.is_file())
        yield ok("密钥文件", f"{count} 个,仅本人可读")


def port(site: Site) -> Iterator[Finding]:
    """Before a start: is the wall's port free? Afterwards its answer is checked instead."""
    if site.run is not None or site.settings is not None:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", site.port))
        except OSError as problem:
            yield bad(
                "端口",
                f"{site.port}:{problem.strerror}",
                f"请换一个:gridwhistle up --port {site.port + 1}",
            )
            return
    yield ok("端口", f"{site.port} 可用")


def profile(site: Site) -> Iterator[Finding]:
    name = site.settings.profile if site.settings else "qinglan"
    try:
        found = load_profile(name)
    except ProfileProblems as problems:
        first = str(problems).splitlines()[0]
        yield bad(
            "地区配置", f"{name}:{first}", f"请运行 gridwhistle profile check {name} 并逐条修正"
        )
        return
    grids = sum(area.level == "grid" for area in found.areas.values())
    said = f"{name} {found.station.title},{grids} 个网格,{len(found.devices)} 台设备"
    if found.warnings:
        yield warn(
            "地区配置",
            f"{said};{len(found.warnings)} 条提醒",
            f"gridwhistle profile check {name} 查看",
        )
    else:
        yield ok("地区配置", said)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "未安装"


def _existing(path: Path) -> Path:
    """The nearest folder above a path that exists."""
    while not path.exists():
        path = path.parent
    return path


def _locked(file: Path) -> bool:
    """Whether another process holds the lock; the file is only looked at."""
    try:
        descriptor = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


CHECKS = (python, disk, data_dir, secrets, port, profile)
