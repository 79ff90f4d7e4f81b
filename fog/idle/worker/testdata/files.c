/* Uses files as programs do, and abuses them if told to: files [bytes|count|open|sparse|shrink]. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char block[1 << 16];

static int fail(const char *what) {
	perror(what);
	return 1;
}

static int use(void) {
	char buf[64] = {0};
	if (mkdir("/out/dir", 0700) || mkdir("/out/dir/sub", 0700)) return fail("mkdir");
	FILE *f = fopen("/tmp/work", "w+");
	if (!f) return fail("open");
	fputs("hello world", f);
	fseek(f, 6, SEEK_SET);
	fputs("there", f);
	rewind(f);
	if (!fgets(buf, sizeof buf, f) || strcmp(buf, "hello there")) return fail("read back");
	if (ftruncate(fileno(f), 5) || lseek(fileno(f), 0, SEEK_END) != 5) return fail("truncate");
	if (ftruncate(fileno(f), 8)) return fail("extend");
	fseek(f, 0, SEEK_SET);
	if (fread(buf, 1, 9, f) != 8 || memcmp(buf, "hello\0\0\0", 8)) return fail("zeros");
	fclose(f);
	if (rename("/tmp/work", "/out/dir/sub/moved")) return fail("rename");
	int fd = open("/out/dir/log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (write(fd, "one\n", 4) != 4 || lseek(fd, 0, SEEK_SET) || write(fd, "two\n", 4) != 4 || close(fd)) return fail("append");
	fd = open("/out/gone", O_RDWR | O_CREAT, 0600);
	if (unlink("/out/gone") || write(fd, "still", 5) != 5 || pread(fd, buf, 5, 0) != 5 || memcmp(buf, "still", 5) || close(fd)) return fail("unlinked");
	if (access("/out/gone", F_OK) == 0) return fail("unlink");
	if (mkdir("/out/empty", 0700) || rmdir("/out/empty") || rmdir("/out/dir") == 0) return fail("rmdir");
	fd = open("/out/over", O_WRONLY | O_CREAT, 0600);
	if (write(fd, "old", 3) != 3 || close(fd) || rename("/out/dir/log", "/out/over")) return fail("replace");
	return 0;
}

int main(int argc, char **argv) {
	const char *what = argc > 1 ? argv[1] : "";
	if (!*what) return use();
	int fd = open("/out/big", O_WRONLY | O_CREAT, 0600);
	char name[64];
	if (!strcmp(what, "bytes"))
		while (write(fd, block, sizeof block) > 0) {}
	if (!strcmp(what, "sparse")) pwrite(fd, "x", 1, 1LL << 40);
	if (!strcmp(what, "count"))
		for (int i = 0;; i++) {
			snprintf(name, sizeof name, "/out/%d", i);
			if (close(open(name, O_WRONLY | O_CREAT, 0600))) return 2;
		}
	if (!strcmp(what, "open"))
		for (int i = 0; i < 1 << 20; i++)
			if (open("/out/big", O_RDONLY) < 0) return 2;
	if (!strcmp(what, "shrink")) /* more than the quota in turn, never at once */
		for (int i = 0; i < 64; i++) {
			if (write(fd, block, sizeof block) != sizeof block || ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET)) return 2;
			snprintf(name, sizeof name, "/tmp/%d", i % 2);
			int t = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
			if (write(t, block, sizeof block) != sizeof block || close(t) || unlink(name)) return 2;
		}
	return 0;
}
