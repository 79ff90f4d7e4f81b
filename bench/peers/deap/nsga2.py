"""NSGA-II of DEAP on the bench's problems.

    nsga2.py <problem> <population> <generations> <seed> <file of the assignment>

prints "cpu_ns" and the CPU time of the generations, then the objectives of the last population, one member a line.
"""
import math
import random
import resource
import sys

from deap import base, creator, tools


def zdt1(x):
    g = 1 + 9 * sum(x[1:]) / (len(x) - 1)
    return x[0], g * (1 - math.sqrt(x[0] / g))


def zdt4(x):
    g = 1 + 10 * (len(x) - 1) + sum(v * v - 10 * math.cos(4 * math.pi * v) for v in x[1:])
    return x[0], g * (1 - math.sqrt(x[0] / g))


def dtlz2(x):
    g = 1 + sum((v - 0.5) ** 2 for v in x[2:])
    a, b = x[0] * math.pi / 2, x[1] * math.pi / 2
    return g * math.cos(a) * math.cos(b), g * math.cos(a) * math.sin(b), g * math.sin(a)


def assignment(file):
    with open(file) as f:
        rows = {line.split(",")[0]: [float(v) for v in line.split(",")[1:]] for line in f}
    work, speed, price = rows["work"], rows["speed"], rows["price"]

    def assign(x):
        busy, cost = [0.0] * len(speed), 0.0
        for w, n in zip(work, x):
            took = w / speed[n]
            busy[n] += took
            cost += took * price[n]
        return max(busy), cost

    return assign, len(work), len(speed)


def real(box, evaluate, low, high):
    n = len(low)
    box.register("individual", lambda: creator.Individual(random.uniform(a, b) for a, b in zip(low, high)))
    box.register("mate", tools.cxSimulatedBinaryBounded, low=low, up=high, eta=15)
    box.register("mutate", tools.mutPolynomialBounded, low=low, up=high, eta=20, indpb=1 / n)
    box.register("evaluate", evaluate)


def whole(box, evaluate, jobs, nodes):
    box.register("individual", lambda: creator.Individual(random.randrange(nodes) for _ in range(jobs)))
    box.register("mate", tools.cxUniform, indpb=0.5)
    box.register("mutate", tools.mutUniformInt, low=0, up=nodes - 1, indpb=1 / jobs)
    box.register("evaluate", evaluate)


def toolbox(problem, file):
    box = base.Toolbox()
    objectives = 3 if problem == "dtlz2" else 2
    creator.create("Fitness", base.Fitness, weights=(-1.0,) * objectives)
    creator.create("Individual", list, fitness=creator.Fitness)
    if problem == "zdt1":
        real(box, zdt1, [0.0] * 30, [1.0] * 30)
    elif problem == "zdt4":
        real(box, zdt4, [0.0] + [-5.0] * 9, [1.0] + [5.0] * 9)
    elif problem == "dtlz2":
        real(box, dtlz2, [0.0] * 12, [1.0] * 12)
    else:
        whole(box, *assignment(file))
    return box


def generation(box, population):
    """One generation: tournament by dominance and crowding, variation, survival of the best of both."""
    offspring = [box.clone(i) for i in tools.selTournamentDCD(population, len(population))]
    for a, b in zip(offspring[::2], offspring[1::2]):
        if random.random() <= 0.9:
            box.mate(a, b)
        box.mutate(a)
        box.mutate(b)
        del a.fitness.values, b.fitness.values
    for i in offspring:
        i.fitness.values = box.evaluate(i)
    return tools.selNSGA2(population + offspring, len(population))


def cpu_ns():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return int((r.ru_utime + r.ru_stime) * 1e9)


def main():
    problem, size, generations, seed, file = sys.argv[1:6]
    random.seed(int(seed))
    box = toolbox(problem, file)
    population = [box.individual() for _ in range(int(size))]
    for i in population:
        i.fitness.values = box.evaluate(i)
    population = tools.selNSGA2(population, len(population))  # gives each its crowding distance
    before = cpu_ns()
    for _ in range(int(generations)):
        population = generation(box, population)
    print("cpu_ns", cpu_ns() - before)
    for i in population:
        print(*map(repr, i.fitness.values))


main()
