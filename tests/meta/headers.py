# headers.py - every public header compiles alone, and beside all of std and POSIX.
# SPDX-License-Identifier: BSL-1.0
"""usage: headers.py <source directory> <directory of the generated config.hpp> <work directory>"""

import functools
import pathlib
import sys

import common

STANDARD = """algorithm array atomic barrier bit bitset cctype cerrno charconv chrono cmath
compare complex concepts condition_variable coroutine cstddef cstdint cstdio cstdlib cstring deque
exception filesystem forward_list fstream functional future initializer_list iomanip ios iostream
istream iterator latch limits list locale map memory memory_resource mutex new numbers numeric
optional ostream queue random ranges ratio regex semaphore set shared_mutex source_location span
sstream stack stdexcept stop_token streambuf string string_view system_error thread tuple
type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector
version""".split()

POSIX = """aio.h arpa/inet.h complex.h cpio.h ctype.h dirent.h dlfcn.h errno.h fcntl.h fenv.h
float.h fmtmsg.h fnmatch.h ftw.h glob.h grp.h iconv.h inttypes.h iso646.h langinfo.h libgen.h
limits.h locale.h math.h monetary.h mqueue.h ndbm.h net/if.h netdb.h netinet/in.h netinet/tcp.h
nl_types.h poll.h pthread.h pwd.h regex.h sched.h search.h semaphore.h setjmp.h signal.h spawn.h
stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h sys/file.h sys/ioctl.h
sys/ipc.h sys/mman.h sys/msg.h sys/param.h sys/resource.h sys/select.h sys/sem.h sys/shm.h
sys/socket.h sys/stat.h sys/statvfs.h sys/sysmacros.h sys/time.h sys/times.h sys/types.h sys/uio.h
sys/un.h sys/utsname.h sys/wait.h syslog.h tar.h termios.h time.h trace.h ucontext.h ulimit.h
unistd.h utime.h utmpx.h wchar.h wctype.h wordexp.h sys/epoll.h sys/eventfd.h sys/timerfd.h
sys/syscall.h sys/sendfile.h linux/futex.h linux/io_uring.h""".split()


def alone(header):
    return f"#include <coir/{header}>\n#include <coir/{header}>\nint main() {{}}\n"


def in_a_crowd(headers):
    crowd = [f"#if __has_include(<{h}>)\n#include <{h}>\n#endif\n" for h in [*STANDARD, *POSIX]]
    return "".join([*crowd, "namespace coir {}\nusing namespace std;\nusing namespace coir;\n",
                    *(f"#include <coir/{h}>\n" for h in headers),
                    "int main() {}\n"])


@functools.cache
def compilers(header):
    """The compilers that can read a header: some are for one instruction set."""
    isa = header.removeprefix("arch_").removesuffix(".hpp")
    if isa in common.FOREIGN:
        cross = f"{isa}-linux-gnu-g++"
        return [cross] if common.have(cross) else []
    if header == "arch_generic.hpp":
        generic = ("i686-linux-gnu-g++", "powerpc64le-linux-gnu-g++", "s390x-linux-gnu-g++")
        return [cxx for cxx in generic if common.have(cxx)][:1]
    return [cxx for cxx in common.native_compilers()
            if isa not in common.ASSEMBLY or common.target(cxx) == isa]


def main():
    source, config, work = (pathlib.Path(word) for word in sys.argv[1:4])
    work.mkdir(parents=True, exist_ok=True)
    headers = sorted(path.name for path in (source / "include/coir").glob("*.hpp")) + ["config.hpp"]
    jobs = []  # compiler, name of the unit, its text, dialect
    for header in headers:
        if not compilers(header):
            print(f"{header}: no compiler here for its target")
        jobs += [(cxx, header, alone(header), "c++20") for cxx in compilers(header)]
    for cxx in sorted({job[0] for job in jobs}):
        # The GNU dialect defines words like `linux` and `unix`.
        crowd = in_a_crowd([header for header in headers if cxx in compilers(header)])
        jobs.insert(0, (cxx, "crowd.hpp", crowd, "gnu++20"))

    def check(job):
        cxx, name, text, dialect = job
        unit = work / f"{cxx}_{name}.cpp"
        unit.write_text(text)
        done = common.attempt(cxx, f"-std={dialect}", "-fsyntax-only", "-Wall", "-Wextra",
                              "-Wpedantic", "-Wshadow", "-Werror", f"-I{source}/include",
                              f"-I{config}", unit)
        return [] if done.returncode == 0 else [f"{name}, {cxx}:\n{done.stdout}"]

    complaints = sum(common.in_parallel(check, jobs), [])
    common.verdict(complaints, len(jobs))


if __name__ == "__main__":
    main()
