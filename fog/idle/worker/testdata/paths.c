/* Tries to leave its file system and to write where it may not. Exit code 0: everything was refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int leaks;

static void no(const char *what, int result) {
	if (result >= 0) {
		leaks++;
		printf("LEAK %s\n", what);
	} else {
		printf("%s: errno %d\n", what, errno);
	}
}

int main(void) {
	static const char *write_to[] = {
		"/etc/passwd", "/new", "/in/new", "/in/file.txt", "/in/dir/new", "../new", "/../new", "/out/../../new", "/out/../in/new",
		"/out/../../../tmp/leak", "/proc/self/mem", "/dev/null", "/out/a\\b", "/out/a:b", "/out/a\nb", "/out/none/new", "/in/file.txt/new", "/out",
	};
	for (unsigned i = 0; i < sizeof write_to / sizeof *write_to; i++) no(write_to[i], open(write_to[i], O_WRONLY | O_CREAT, 0600));
	static const char *read_from[] = {"/etc/passwd", "/proc/self/environ", "../../../../etc/passwd", "/in/../../etc/passwd", "/in/file.txt/"};
	for (unsigned i = 0; i < sizeof read_from / sizeof *read_from; i++) no(read_from[i], open(read_from[i], O_RDONLY));
	no("truncate an input", open("/in/file.txt", O_WRONLY | O_TRUNC));
	no("symlink", symlink("/in/file.txt", "/out/link"));
	no("symlink out", symlink("/etc/passwd", "/out/passwd"));
	no("hard link", link("/in/file.txt", "/out/hard"));
	no("rename an input", rename("/in/file.txt", "/out/stolen"));
	no("replace an input", rename("/out", "/in/file.txt"));
	no("rename a folder", rename("/out", "/tmp/out"));
	no("folder into itself", mkdir("/out/d", 0700) < 0 ? 0 : rename("/out/d", "/out/d/e"));
	no("unlink an input", unlink("/in/file.txt"));
	no("remove a folder", rmdir("/out"));
	no("mkdir", mkdir("/new", 0700));
	no("mkdir in inputs", mkdir("/in/new", 0700));
	char buf[64];
	no("readlink", readlink("/in/file.txt", buf, sizeof buf));
	int fd = open("/out/fine.txt", O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, "fine\n", 5) != 5 || close(fd)) return 3;
	no("exclusive", open("/out/fine.txt", O_WRONLY | O_CREAT | O_EXCL, 0600));
	return leaks ? 1 : 0;
}
