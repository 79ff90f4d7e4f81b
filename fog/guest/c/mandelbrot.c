/*
 * One tile of the Mandelbrot set, as a WebAssembly guest.
 *
 *   mandelbrot width height x y w h maxiter cx cy scale
 *
 * The picture has width x height points, cx cy in its middle, scale units of the complex plane from its left to its right
 * edge. The guest renders the w x h points whose upper left corner is x y, writes them to /out/tile.pgm (binary PGM, one
 * byte a point) and prints one line with the number of iterations. Without arguments it renders a whole picture of
 * 256 x 256 points.
 *
 * Only + - * / on doubles, in a fixed order and without contraction (-ffp-contract=off): WebAssembly defines each of them bit for bit,
 * so every device and the native twin in tile.go compute the same bytes.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SIDE 65536L
#define MAX_POINTS (16L << 20)
#define MAX_ITER 1000000L

static int fail(const char *why) {
	write(2, why, strlen(why));
	write(2, "\n", 1);
	return 2;
}

/* number reads a decimal integer between low and high into *v. */
static int number(const char *text, long low, long high, long *v) {
	char *end;
	*v = strtol(text, &end, 10);
	return *text != 0 && *end == 0 && *v >= low && *v <= high;
}

/* real reads a finite decimal number of at most 1000 in size into *v. */
static int real(const char *text, double *v) {
	char *end;
	*v = strtod(text, &end);
	return *text != 0 && *end == 0 && *v >= -1000 && *v <= 1000;
}

/* escape returns after how many iterations the orbit of a + bi leaves the circle of radius 2. */
static long escape(double a, double b, long max) {
	double x = 0, y = 0, xx = 0, yy = 0;
	long n = 0;
	while (n < max && xx + yy <= 4) {
		y = 2 * x * y + b;
		x = xx - yy + a;
		xx = x * x;
		yy = y * y;
		n++;
	}
	return n;
}

/* decimal appends n in decimal to p and returns the end. */
static char *decimal(char *p, uint64_t n) {
	char digits[20];
	int i = 0;
	do digits[i++] = '0' + n % 10; while (n /= 10);
	while (i) *p++ = digits[--i];
	return p;
}

static char *text(char *p, const char *s) {
	while (*s) *p++ = *s++;
	return p;
}

static int save(const char *path, const unsigned char *data, size_t size) {
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0) return 0;
	while (size > 0) {
		ssize_t n = write(fd, data, size);
		if (n <= 0) return 0;
		data += n;
		size -= n;
	}
	return close(fd) == 0;
}

int main(int argc, char **argv) {
	static char *whole[] = {"", "256", "256", "0", "0", "256", "256", "500", "-0.5", "0", "3"};
	long width, height, x0, y0, w, h, max;
	double cx, cy, scale;
	if (argc <= 1) argc = 11, argv = whole;
	if (argc != 11) return fail("usage: mandelbrot width height x y w h maxiter cx cy scale");
	if (!number(argv[1], 1, MAX_SIDE, &width) || !number(argv[2], 1, MAX_SIDE, &height)) return fail("picture size out of range");
	if (!number(argv[3], 0, width - 1, &x0) || !number(argv[4], 0, height - 1, &y0) ||
		!number(argv[5], 1, width - x0, &w) || !number(argv[6], 1, height - y0, &h) || w > MAX_POINTS / h)
		return fail("tile out of range");
	if (!number(argv[7], 1, MAX_ITER, &max)) return fail("maxiter out of range");
	if (!real(argv[8], &cx) || !real(argv[9], &cy) || !real(argv[10], &scale)) return fail("view out of range");

	char head[64], *p = text(head, "P5\n");
	p = decimal(p, w);
	p = text(p, " ");
	p = decimal(p, h);
	p = text(p, "\n255\n");
	size_t header = p - head, size = header + w * h;
	unsigned char *out = malloc(size);
	if (!out) return fail("out of memory");
	memcpy(out, head, header);

	double step = scale / (double)width;
	uint64_t sum = 0;
	for (long j = 0; j < h; j++) {
		double b = cy + ((double)(y0 + j) - (double)height / 2) * step;
		for (long i = 0; i < w; i++) {
			double a = cx + ((double)(x0 + i) - (double)width / 2) * step;
			long n = escape(a, b, max);
			sum += n;
			out[header + j * w + i] = n == max ? 0 : 255 - n % 255;
		}
	}
	if (!save("/out/tile.pgm", out, size)) return fail("cannot write /out/tile.pgm");

	char line[160];
	p = text(line, "tile ");
	p = decimal(p, x0), p = text(p, " ");
	p = decimal(p, y0), p = text(p, " ");
	p = decimal(p, w), p = text(p, " ");
	p = decimal(p, h), p = text(p, " iterations ");
	p = decimal(p, sum), p = text(p, "\n");
	return write(1, line, p - line) == p - line ? 0 : 1;
}
