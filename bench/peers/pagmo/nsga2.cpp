// NSGA-II of pagmo2 on the bench's problems, and pagmo2's exact hypervolume.
//
//   pagmo run <problem> <population> <generations> <seed> <file of the assignment>
//     cpu_ns <CPU time of the generations>
//     <objectives of one member of the last population, one member a line>
//   pagmo hv <coordinate of the reference point>...  < points, one a line
//     <hypervolume>
#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <pagmo/algorithm.hpp>
#include <pagmo/algorithms/nsga2.hpp>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>
#include <pagmo/utils/hypervolume.hpp>

using pagmo::vector_double;

namespace {

const double pi = std::acos(-1.0);

struct zdt1 {
    vector_double fitness(const vector_double &x) const {
        double sum = 0;
        for (std::size_t i = 1; i < x.size(); ++i) sum += x[i];
        const double g = 1 + 9 * sum / static_cast<double>(x.size() - 1);
        return {x[0], g * (1 - std::sqrt(x[0] / g))};
    }
    vector_double::size_type get_nobj() const { return 2; }
    std::pair<vector_double, vector_double> get_bounds() const { return {vector_double(30, 0.), vector_double(30, 1.)}; }
};

struct zdt4 {
    vector_double fitness(const vector_double &x) const {
        double g = 1 + 10 * static_cast<double>(x.size() - 1);
        for (std::size_t i = 1; i < x.size(); ++i) g += x[i] * x[i] - 10 * std::cos(4 * pi * x[i]);
        return {x[0], g * (1 - std::sqrt(x[0] / g))};
    }
    vector_double::size_type get_nobj() const { return 2; }
    std::pair<vector_double, vector_double> get_bounds() const {
        vector_double low(10, -5.), high(10, 5.);
        low[0] = 0, high[0] = 1;
        return {low, high};
    }
};

struct dtlz2 {
    vector_double fitness(const vector_double &x) const {
        double g = 0;
        for (std::size_t i = 2; i < x.size(); ++i) g += (x[i] - 0.5) * (x[i] - 0.5);
        const double a = x[0] * pi / 2, b = x[1] * pi / 2;
        return {(1 + g) * std::cos(a) * std::cos(b), (1 + g) * std::cos(a) * std::sin(b), (1 + g) * std::sin(a)};
    }
    vector_double::size_type get_nobj() const { return 3; }
    std::pair<vector_double, vector_double> get_bounds() const { return {vector_double(12, 0.), vector_double(12, 1.)}; }
};

// assign places works on nodes: makespan and cost.
struct assign {
    std::vector<double> work, speed, price;
    mutable std::vector<double> busy;

    vector_double fitness(const vector_double &x) const {
        busy.assign(speed.size(), 0);
        double cost = 0, longest = 0;
        for (std::size_t j = 0; j < x.size(); ++j) {
            const auto n = static_cast<std::size_t>(x[j]);
            const double took = work[j] / speed[n];
            busy[n] += took;
            cost += took * price[n];
        }
        for (const double b : busy) longest = std::max(longest, b);
        return {longest, cost};
    }
    vector_double::size_type get_nobj() const { return 2; }
    vector_double::size_type get_nix() const { return work.size(); }
    std::pair<vector_double, vector_double> get_bounds() const {
        return {vector_double(work.size(), 0.), vector_double(work.size(), static_cast<double>(speed.size() - 1))};
    }
};

assign read_assignment(const char *file) {
    assign a;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        std::stringstream fields(line);
        std::string field;
        std::getline(fields, field, ',');
        auto &row = field == "work" ? a.work : field == "speed" ? a.speed : a.price;
        while (std::getline(fields, field, ',')) row.push_back(std::stod(field));
    }
    if (a.work.empty() || a.speed.empty() || a.speed.size() != a.price.size()) {
        std::cerr << file << " is not an assignment\n";
        std::exit(1);
    }
    return a;
}

pagmo::problem problem_of(const std::string &name, const char *file) {
    if (name == "zdt1") return pagmo::problem(zdt1{});
    if (name == "zdt4") return pagmo::problem(zdt4{});
    if (name == "dtlz2") return pagmo::problem(dtlz2{});
    if (name == "assign") return pagmo::problem(read_assignment(file));
    std::cerr << "no problem " << name << "\n";
    std::exit(1);
}

long long cpu_ns() {
    rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000000LL + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1000LL;
}

void print(const vector_double &row) {
    for (std::size_t i = 0; i < row.size(); ++i) std::printf(i ? " %.17g" : "%.17g", row[i]);
    std::printf("\n");
}

int run(char **arg) {
    const auto size = static_cast<pagmo::population::size_type>(std::stoul(arg[1]));
    const auto generations = static_cast<unsigned>(std::stoul(arg[2])), seed = static_cast<unsigned>(std::stoul(arg[3]));
    const pagmo::problem problem = problem_of(arg[0], arg[4]);
    const pagmo::algorithm nsga2{pagmo::nsga2(generations, 0.9, 15., 1. / static_cast<double>(problem.get_nx()), 20., seed)};
    const pagmo::population first(problem, size, seed);
    const long long before = cpu_ns();
    const pagmo::population last = nsga2.evolve(first);
    std::printf("cpu_ns %lld\n", cpu_ns() - before);
    for (const auto &row : last.get_f()) print(row);
    return 0;
}

int volume(int coordinates, char **reference) {
    vector_double corner;
    for (int i = 0; i < coordinates; ++i) corner.push_back(std::stod(reference[i]));
    std::vector<vector_double> points;
    for (std::string line; std::getline(std::cin, line);) {
        std::stringstream fields(line);
        vector_double row;
        for (double v; fields >> v;) row.push_back(v);
        points.push_back(row);
    }
    std::printf("%.17g\n", points.empty() ? 0. : pagmo::hypervolume(points, true).compute(corner));
    return 0;
}

} // namespace

int main(int argc, char **argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "run" && argc == 7) return run(argv + 2);
    if (what == "hv" && argc > 2) return volume(argc - 2, argv + 2);
    std::cerr << "usage: pagmo run <problem> <population> <generations> <seed> <file> | pagmo hv <reference>...\n";
    return 2;
}
