/* A forest of decision trees, walked by 16 rows side by side, or by one row through 16 trees where there are few rows.
 *
 * A node is a threshold, a column and its true child; the false child lies behind the true one, so that a step is an
 * addition and no jump: a processor that cannot guess which way a row goes loses nothing, and 16 rows fill its vectors.
 * A leaf leads to itself: every row takes as many steps as the tree is deep. Column 0 is always zero, for the leaves.
 *
 * The sums are made as ONNX Runtime makes them in one thread (float, tree by tree), so that the answer is the same to
 * the last bit: no fused multiply-add and no reordering may be allowed when this is compiled.
 *
 * Whatever Python hands over is checked at the making of a Forest: no index of it leads outside afterwards.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
/* From so many rows on, 16 side by side are quicker than one by one, whatever the rest of them hold. */
#define FEW 12
#define MOST_COLUMNS 2048
#define MOST_TARGETS 128
#define MOST_NODES (1 << 30)
/* Steps (of one row through one node) that are worth letting another thread run in the meantime: some 50 us. */
#define MANY_STEPS 100000

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EACH_PROCESSOR
#endif

/* What becomes of a row's sums. */
enum { SUMS, POSITIVE, LOGISTIC, POSITIVE_LOGISTIC, CLASSES, CLASSES_LOGISTIC, CLASSES_SOFTMAX, TRANSFORMS };

typedef struct {
    int32_t root, depth, first_plane, planes, nodes;
} Tree;

/* One target's weights, one for each node of a tree. */
typedef struct {
    int64_t target, offset;
} Plane;

typedef struct {
    int32_t feature, missing_is_true;
} Column;

typedef struct {
    PyObject_HEAD
    int features, transform;
    Py_ssize_t columns, nodes, trees, planes, weights, targets, labels, steps;
    Column *column;
    int32_t *node_column, *node_true;
    float *node_threshold;
    Tree *tree;
    Plane *plane;
    float *weight, *base;
    int64_t *label;
} Forest;

static inline float input(const Column *column, const float *row) {
    float value;
    memcpy(&value, row + column->feature, sizeof(value));  /* a tensor in a body begins at any byte */
    return column->missing_is_true && isnan(value) ? -INFINITY : value;
}

static inline float logistic(float value) {
    float part = 1.0f / (1.0f + expf(-fabsf(value)));
    return value < 0 ? 1.0f - part : part;
}

static void softmax(float *values, int count) {
    float highest = values[0], sum = 0;
    for (int k = 1; k < count; k++)
        if (values[k] > highest)
            highest = values[k];
    for (int k = 0; k < count; k++)
        sum += values[k] = expf(values[k] - highest);
    for (int k = 0; k < count; k++)
        values[k] /= sum;
}

/* Whether one sum tells which of two classes. */
static inline int one_sum(const Forest *forest) {
    return forest->transform >= POSITIVE && forest->transform <= POSITIVE_LOGISTIC;
}

/* How many scores a row has. */
static inline int width(const Forest *forest) {
    return one_sum(forest) ? 2 : (int)forest->targets;
}

/* Two classes by the sum for the second one. */
static void tell_two(const Forest *forest, float sum, float *scores, int64_t *label) {
    *label = forest->label[sum > (forest->transform == LOGISTIC ? 0 : 0.5f)];
    if (forest->transform == POSITIVE) {
        scores[0] = 1.0f - sum;
        scores[1] = sum;
    } else {
        float part = 1.0f / (1.0f + expf(-fabsf(sum)));
        scores[sum >= 0] = part;
        scores[sum < 0] = 1.0f - part;
    }
}

/* The class with the highest score, the first of equal ones; then the scores as they are told. */
static void tell_many(const Forest *forest, float *scores, int64_t *label) {
    int count = (int)forest->targets, best = 0;
    for (int k = 1; k < count; k++)
        if (scores[k] > scores[best])
            best = k;
    *label = forest->label[best];
    if (forest->transform == CLASSES_SOFTMAX)
        softmax(scores, count);
    else if (forest->transform == CLASSES_LOGISTIC)
        for (int k = 0; k < count; k++)
            scores[k] = logistic(scores[k]);
}

/* The sums of one row, at `sums[target * stride]`, as scores and label. */
static void finish(const Forest *forest, const float *sums, int stride, float *scores, int64_t *label) {
    if (one_sum(forest)) {
        tell_two(forest, sums[0] + forest->base[0], scores, label);
        return;
    }
    for (int k = 0; k < forest->targets; k++)
        scores[k] = sums[k * stride] + forest->base[k];
    if (forest->transform != SUMS)
        tell_many(forest, scores, label);
}

/* One row, through 16 trees side by side: it waits for the memory of all of them at once. */
EACH_PROCESSOR
static void walk_alone(const Forest *forest, const float *row, float *scores, int64_t *label) {
    float value[MOST_COLUMNS], sums[MOST_TARGETS];
    const int32_t *column = forest->node_column, *next = forest->node_true;
    const float *threshold = forest->node_threshold;
    value[0] = 0;
    for (int c = 1; c < forest->columns; c++)
        value[c] = input(&forest->column[c], row);
    memset(sums, 0, sizeof(float) * forest->targets);
    for (Py_ssize_t first = 0; first < forest->trees; first += LANES) {
        const Tree *tree = &forest->tree[first];
        int some = forest->trees - first < LANES ? (int)(forest->trees - first) : LANES;
        int32_t at[LANES], depth = 0;
        for (int i = 0; i < LANES; i++) {
            at[i] = tree[i < some ? i : 0].root;
            depth = tree[i < some ? i : 0].depth > depth ? tree[i < some ? i : 0].depth : depth;
        }
        for (int d = 0; d < depth; d++)
            for (int i = 0; i < LANES; i++) {
                int32_t a = at[i];
                at[i] = next[a] + !(value[column[a]] <= threshold[a]);
            }
        for (int i = 0; i < some; i++)
            for (int p = tree[i].first_plane; p < tree[i].first_plane + tree[i].planes; p++)
                sums[forest->plane[p].target] += forest->weight[forest->plane[p].offset + at[i] - tree[i].root];
    }
    finish(forest, sums, 1, scores, label);
}

/* `rows` of 1 to 16 rows; the lanes beyond them walk along with the first one. */
EACH_PROCESSOR
static void walk_abreast(const Forest *forest, const float *row, int rows, float *scores, int64_t *labels) {
    float value[MOST_COLUMNS * LANES], sums[MOST_TARGETS * LANES];
    const int32_t *column = forest->node_column, *next = forest->node_true;
    const float *threshold = forest->node_threshold;
    memset(value, 0, sizeof(float) * LANES);
    for (int c = 1; c < forest->columns; c++)
        for (int i = 0; i < LANES; i++)
            value[c * LANES + i] = input(&forest->column[c], row + (i < rows ? i : 0) * (Py_ssize_t)forest->features);
    memset(sums, 0, sizeof(float) * LANES * forest->targets);
    for (int t = 0; t < forest->trees; t++) {
        const Tree *tree = &forest->tree[t];
        int32_t at[LANES];
        for (int i = 0; i < LANES; i++)
            at[i] = tree->root;
        for (int d = 0; d < tree->depth; d++)
            for (int i = 0; i < LANES; i++) {
                int32_t a = at[i];
                at[i] = next[a] + !(value[column[a] * LANES + i] <= threshold[a]);
            }
        for (int p = tree->first_plane; p < tree->first_plane + tree->planes; p++) {
            const float *weight = forest->weight + forest->plane[p].offset;
            float *sum = sums + forest->plane[p].target * LANES;
            for (int i = 0; i < LANES; i++)
                sum[i] += weight[at[i] - tree->root];
        }
    }
    for (int i = 0; i < rows; i++)
        finish(forest, sums + i, LANES, scores + i * width(forest), labels + i);
}

static void walk(const Forest *forest, const float *row, Py_ssize_t rows, float *scores, int64_t *labels) {
    while (rows >= FEW) {
        int some = rows < LANES ? (int)rows : LANES;
        walk_abreast(forest, row, some, scores, labels);
        row += some * (Py_ssize_t)forest->features;
        scores += some * width(forest);
        labels += some;
        rows -= some;
    }
    for (; rows > 0; rows--, row += forest->features, scores += width(forest), labels++)
        walk_alone(forest, row, scores, labels);
}

static const char *fault_of_tree(const Forest *forest, const Tree *tree) {
    if (tree->root < 0 || tree->nodes < 1 || tree->depth < 0 || tree->root > forest->nodes - tree->nodes)
        return "a tree's nodes lie outside";
    if (tree->first_plane < 0 || tree->planes < 0 || tree->first_plane > forest->planes - tree->planes)
        return "a tree's weights lie outside";
    for (int n = tree->root; n < tree->root + tree->nodes; n++) {
        int leaf = forest->node_column[n] == 0;
        if (forest->node_column[n] < 0 || forest->node_column[n] >= forest->columns)
            return "a node's column lies outside";
        if (forest->node_true[n] < tree->root || forest->node_true[n] + !leaf >= tree->root + tree->nodes)
            return "a node's children lie outside";
        if (leaf && !(0 <= forest->node_threshold[n]))
            return "a leaf leads to its neighbour";
    }
    for (int p = tree->first_plane; p < tree->first_plane + tree->planes; p++) {
        const Plane *plane = &forest->plane[p];
        if (plane->target < 0 || plane->target >= forest->targets)
            return "a weight's target lies outside";
        if (plane->offset < 0 || plane->offset > forest->weights - tree->nodes)
            return "a weight lies outside";
    }
    return NULL;
}

/* What is wrong with the numbers; NULL if nothing is. */
static const char *fault(const Forest *forest) {
    if (forest->nodes > MOST_NODES)
        return "too many nodes";
    if (forest->columns < 1 || forest->columns > MOST_COLUMNS || forest->features < 1)
        return "too many columns, or none";
    for (int c = 1; c < forest->columns; c++)
        if (forest->column[c].feature < 0 || forest->column[c].feature >= forest->features)
            return "a column's feature lies outside";
    if (forest->transform < 0 || forest->transform >= TRANSFORMS)
        return "no such transform";
    if (forest->targets < 1 || forest->targets > MOST_TARGETS || (one_sum(forest) && forest->targets != 1))
        return "too many targets, or too few";
    if (forest->transform != SUMS && forest->labels != width(forest))
        return "a label for each class is needed";
    for (int t = 0; t < forest->trees; t++) {
        const char *wrong = fault_of_tree(forest, &forest->tree[t]);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

/* One list that Python hands over: `size` bytes an item, copied to `*field`. */
typedef struct {
    PyObject *source;
    size_t size;
    void **field;
    Py_ssize_t *count;
} List;

/* False with an exception set: no buffer, or no memory. */
static int take(const List *list) {
    Py_buffer view;
    if (PyObject_GetBuffer(list->source, &view, PyBUF_C_CONTIGUOUS) < 0)
        return 0;
    *list->count = view.len / (Py_ssize_t)list->size;
    *list->field = PyMem_Malloc(view.len > 0 ? view.len : 1);
    if (*list->field == NULL)
        PyErr_NoMemory();
    else
        memcpy(*list->field, view.buf, view.len);
    PyBuffer_Release(&view);
    return *list->field != NULL;
}

static void forest_dealloc(Forest *self) {
    void *lists[] = {self->column, self->node_column, self->node_threshold, self->node_true, self->tree,
                     self->plane,  self->weight,      self->base,           self->label};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        PyMem_Free(lists[i]);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *forest_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"features",   "transform", "columns", "node_columns", "node_thresholds", "node_trues",
                            "trees",      "planes",    "weights", "bases",        "labels",          NULL};
    Py_ssize_t thresholds, trues;
    const char *wrong = NULL;
    Forest *self = (Forest *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    List lists[] = {
        {NULL, sizeof(Column), (void **)&self->column, &self->columns},
        {NULL, sizeof(int32_t), (void **)&self->node_column, &self->nodes},
        {NULL, sizeof(float), (void **)&self->node_threshold, &thresholds},
        {NULL, sizeof(int32_t), (void **)&self->node_true, &trues},
        {NULL, sizeof(Tree), (void **)&self->tree, &self->trees},
        {NULL, sizeof(Plane), (void **)&self->plane, &self->planes},
        {NULL, sizeof(float), (void **)&self->weight, &self->weights},
        {NULL, sizeof(float), (void **)&self->base, &self->targets},
        {NULL, sizeof(int64_t), (void **)&self->label, &self->labels},
    };
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "iiOOOOOOOOO:Forest", names, &self->features,
                                     &self->transform, &lists[0].source, &lists[1].source, &lists[2].source,
                                     &lists[3].source, &lists[4].source, &lists[5].source, &lists[6].source,
                                     &lists[7].source, &lists[8].source))
        goto failed;
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        if (!take(&lists[i]))
            goto failed;
    wrong = thresholds != self->nodes || trues != self->nodes ? "a node lacks a part" : fault(self);
    if (wrong != NULL) {
        PyErr_Format(PyExc_ValueError, "no forest: %s", wrong);
        goto failed;
    }
    for (Py_ssize_t t = 0; t < self->trees; t++)
        self->steps += self->tree[t].depth + 1;
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

/* Whether a buffer holds FP32 [any, features]. */
static int fits(const Forest *self, const Py_buffer *rows) {
    return rows->ndim == 2 && rows->shape[1] == self->features && strcmp(rows->format, "f") == 0;
}

/* run(rows, scores, labels): false, and nothing written, where `rows` is no FP32 [n, features] in one piece. */
static PyObject *forest_run(Forest *self, PyObject *const *arguments, Py_ssize_t count) {
    Py_buffer rows, scores, labels;
    int taken = 0;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "run takes rows, scores and labels");
    if (PyObject_GetBuffer(arguments[0], &rows, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0) {
        PyErr_Clear();
        Py_RETURN_FALSE;
    }
    if (!fits(self, &rows))
        goto rows_taken;
    if (PyObject_GetBuffer(arguments[1], &scores, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE) < 0)
        goto rows_taken;
    if (PyObject_GetBuffer(arguments[2], &labels, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE) < 0)
        goto scores_taken;
    taken = rows.shape[0] > 0;
    if (scores.len != rows.shape[0] * width(self) * (Py_ssize_t)sizeof(float) ||
        labels.len != rows.shape[0] * (Py_ssize_t)sizeof(int64_t))
        PyErr_SetString(PyExc_ValueError, "run: rows, scores and labels do not fit together");
    else if (rows.shape[0] * self->steps < MANY_STEPS)
        walk(self, rows.buf, rows.shape[0], scores.buf, labels.buf);
    else {
        Py_BEGIN_ALLOW_THREADS
        walk(self, rows.buf, rows.shape[0], scores.buf, labels.buf);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&labels);
scores_taken:
    PyBuffer_Release(&scores);
rows_taken:
    PyBuffer_Release(&rows);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(taken);
}

static PyMethodDef forest_methods[] = {
    {"run", (PyCFunction)(void (*)(void))forest_run, METH_FASTCALL, NULL},
    {NULL},
};

static PyTypeObject ForestType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "moorage_runtime.engines.onnx.trees.kernel.Forest",
    .tp_basicsize = sizeof(Forest),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = forest_new,
    .tp_dealloc = (destructor)forest_dealloc,
    .tp_methods = forest_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "kernel", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_kernel(void) {
    PyObject *made = PyType_Ready(&ForestType) < 0 ? NULL : PyModule_Create(&module);
    if (made != NULL && PyModule_AddObjectRef(made, "Forest", (PyObject *)&ForestType) < 0)
        Py_CLEAR(made);
    return made;
}
