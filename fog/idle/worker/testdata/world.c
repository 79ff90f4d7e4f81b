/* Prints everything that could differ between two runs. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void list(const char *path) {
	DIR *d = opendir(path);
	if (!d) {
		printf("%s: none\n", path);
		return;
	}
	for (struct dirent *e; (e = readdir(d));) {
		char child[512];
		struct stat st;
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
		snprintf(child, sizeof child, "%s/%s", strcmp(path, "/") ? path : "", e->d_name);
		if (stat(child, &st)) {
			printf("%s: cannot stat\n", child);
			continue;
		}
		printf("%s ino %llu mode %o size %lld mtime %lld.%ld\n", child, (unsigned long long)st.st_ino, (unsigned)st.st_mode,
			   (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
		if (S_ISDIR(st.st_mode)) list(child);
	}
	closedir(d);
}

int main(int argc, char **argv) {
	for (int i = 0; i < argc; i++) printf("arg %s\n", argv[i]);
	for (char **e = environ; *e; e++) printf("env %s\n", *e);
	for (int i = 0; i < 3; i++) {
		struct timespec real, mono;
		clock_gettime(CLOCK_REALTIME, &real);
		clock_gettime(CLOCK_MONOTONIC, &mono);
		printf("time %lld.%09ld %lld.%09ld\n", (long long)real.tv_sec, real.tv_nsec, (long long)mono.tv_sec, mono.tv_nsec);
	}
	struct timespec hour = {3600, 0}, after;
	nanosleep(&hour, NULL);
	clock_gettime(CLOCK_REALTIME, &after);
	printf("after an hour %lld\n", (long long)after.tv_sec);
	unsigned char random[32];
	getentropy(random, sizeof random);
	for (unsigned i = 0; i < sizeof random; i++) printf("%02x", random[i]);
	printf("\n");
	static const char *names[] = {"/out/z", "/out/a", "/out/m", "/out/b"};
	for (int i = 0; i < 4; i++) {
		FILE *f = fopen(names[i], "w");
		fprintf(f, "%d %02x\n", i, random[i]);
		fclose(f);
	}
	list("/");
	char line[128];
	while (fgets(line, sizeof line, stdin)) printf("stdin %s", line);
	return 0;
}
