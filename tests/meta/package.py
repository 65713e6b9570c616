# package.py - coir is taken in by other projects, each way there is.
# SPDX-License-Identifier: BSL-1.0
"""usage: package.py <case> <source directory> <work directory> <cache of the build under test>

Cases: install_static and install_shared install into <work>/<kind>/prefix. On them stand
package_static, package_shared, pkgconfig_static, pkgconfig_shared, package_version,
package_sanitizers, package_plugin, package_symbols. Alone: package_subdirectory, package_fetch.
"""

import pathlib
import re
import shutil
import sys

import common

SAYS = "0 1 4 9 16\n"
MISMATCH = "build coir with the -fsanitize flags of this program"


class Package:
    def __init__(self, source, work, cache):
        self.source = source
        self.work = work
        self.consumer = source / "tests/package/consumer"
        text = cache.read_text()
        self.settings = dict(re.findall(r"^(\w+):\w+=(.*)$", text, re.MULTILINE))
        self.cxx = self.settings["CMAKE_CXX_COMPILER"]

    def prefix(self, kind):
        return self.work / kind / "prefix"

    def libdir(self, kind):
        return next(self.prefix(kind).glob("lib*/**/pkgconfig")).parent

    def configure(self, project, build, *options):
        shutil.rmtree(build, ignore_errors=True)
        names = ("CMAKE_CXX_COMPILER", "CMAKE_CXX_COMPILER_LAUNCHER", "CMAKE_CXX_FLAGS",
                 "COIR_CONTEXT")
        kept = [f"-D{name}={self.settings[name]}" for name in names if self.settings.get(name)]
        return common.run("cmake", "-S", project, "-B", build, "-G", self.settings["CMAKE_GENERATOR"],
                          "-DCMAKE_BUILD_TYPE=Release", "-Wno-dev", *kept, *options)

    def build(self, *arguments):
        self.configure(*arguments)
        # What two of these builds compile with the same words, a cache compiles once.
        common.run("cmake", "--build", arguments[1], "-j2", timeout=900,
                   env={"CCACHE_BASEDIR": str(arguments[1])})

    def expect(self, program, said, *arguments, env=None):
        got = common.run(program, *arguments, env=env)
        if got != said:
            sys.exit(f"{program} said {got!r}, not {said!r}")

    # --- the cases -------------------------------------------------------------------------------

    def install(self, kind):
        """Installs, and moves what was installed: nothing in it may know where it was put first."""
        home = self.work / kind
        self.build(self.source, home / "build", "-DCOIR_BUILD_TESTS=OFF", "-DCOIR_BUILD_EXAMPLES=OFF",
                   f"-DBUILD_SHARED_LIBS={'ON' if kind == 'shared' else 'OFF'}")
        for tree in ("first", "prefix"):
            shutil.rmtree(home / tree, ignore_errors=True)
        common.run("cmake", "--install", home / "build", "--prefix", home / "first")
        (home / "first").rename(home / "prefix")

        prefix = home / "prefix"
        headers = {path.name for path in (prefix / "include/coir").iterdir()}
        meant = {path.name for path in (self.source / "include/coir").glob("*.hpp")} | {"config.hpp"}
        if headers != meant:
            sys.exit(f"headers installed or missing: {headers ^ meant}")
        libraries = {path.name for path in self.libdir(kind).iterdir() if path.name != "cmake"}
        version = re.search(r"project\(coir VERSION (\d+)\.(\d+)\.(\d+)",
                            (self.source / "CMakeLists.txt").read_text())
        major, full = version[1], ".".join(version.groups())
        wanted = {"libcoir.a"} if kind == "static" else {
            "libcoir.so", f"libcoir.so.{major}", f"libcoir.so.{full}"}
        if libraries - {"pkgconfig"} != wanted:
            sys.exit(f"libraries installed: {libraries}")
        programs = {path.name for path in (prefix / "bin").iterdir()}
        if programs != {"coir-port"}:
            sys.exit(f"programs installed: {programs}")
        others = {path.name for path in prefix.iterdir()} - {"include", "bin", self.libdir(kind).parts[
            len(prefix.parts)]}
        if others:
            sys.exit(f"installed besides: {others}")

    def package(self, kind):
        build = self.work / f"package_{kind}"
        self.build(self.consumer, build, f"-DCMAKE_PREFIX_PATH={self.prefix(kind)}")
        self.expect(build / "consumer", SAYS)

    def version(self):
        """A version that would not do is refused."""
        for wanted in ("0.0.9", "0.9", "9.0"):
            project = self.work / "version"
            project.mkdir(parents=True, exist_ok=True)
            (project / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.21)\nproject(p LANGUAGES CXX)\n"
                f"find_package(coir {wanted} CONFIG)\n"
                "if(coir_FOUND)\n  message(FATAL_ERROR found)\nendif()\n")
            self.configure(project, project / "build", f"-DCMAKE_PREFIX_PATH={self.prefix('static')}")

    def pkgconfig(self, kind):
        if not common.have("pkg-config"):
            common.skip("no pkg-config")
        env = {"PKG_CONFIG_PATH": str(self.libdir(kind) / "pkgconfig")}
        static = ["--static"] if kind == "static" else []
        flags = common.run("pkg-config", *static, "--cflags", "--libs", "coir >= 0.1", env=env).split()
        program = self.work / f"pkgconfig_{kind}"
        common.run(self.cxx, "-std=c++20", self.consumer / "consumer.cpp", *flags, "-o", program)
        self.expect(program, SAYS, env={"LD_LIBRARY_PATH": str(self.libdir(kind))})

    def subdirectory(self):
        self.inside("subdirectory")

    def fetch(self):
        self.inside("fetch")

    def inside(self, how):
        build = self.work / how
        self.build(self.consumer, build, f"-DCOIR_BY={how}", f"-DCOIR_SOURCE={self.source}")
        self.expect(build / "consumer", SAYS)
        listed = common.attempt("ctest", "--test-dir", build, "-N").stdout
        if "Total Tests: 0" not in listed:
            sys.exit(f"coir brought tests along:\n{listed}")

    def sanitizers(self):
        """A program with other sanitizers than the library's is told what to do."""
        for flag in ("-fsanitize=address", "-fsanitize=thread"):
            done = common.attempt(self.cxx, "-std=c++20", flag, "-fsyntax-only",
                                  f"-I{self.prefix('static')}/include", self.consumer / "consumer.cpp")
            if done.returncode == 0 or MISMATCH not in done.stdout:
                sys.exit(f"{flag}: exit status {done.returncode}\n{done.stdout}")

    def plugin(self):
        build = self.work / "plugin"
        self.build(self.source / "tests/package/plugin", build,
                   f"-DCMAKE_PREFIX_PATH={self.prefix('shared')}")
        for host in ("host", "bare_host"):
            self.expect(build / host, "ok\n", build / "libplugin.so")

    def symbols(self):
        common.run(sys.executable, pathlib.Path(__file__).parent / "symbols.py",
                   self.settings["CMAKE_NM"], self.libdir("static") / "libcoir.a",
                   self.libdir("shared") / "libcoir.so")


def main():
    case = sys.argv[1]
    package = Package(*(pathlib.Path(word) for word in sys.argv[2:5]))
    action, _, what = case.partition("_")
    if action == "package" and what not in ("static", "shared"):
        getattr(package, what)()
    else:
        getattr(package, action)(what)
    print(f"{case}: ok")


if __name__ == "__main__":
    main()
