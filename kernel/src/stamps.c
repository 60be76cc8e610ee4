/* Time stamps at many places of a text; the twin of lo2.loading.times.stamp_values. */
#include "kernel.h"

enum { YEAR, SHORT, MONTH, DAY, HOUR, MINUTE, SECOND, EPOCH, FIELDS };
static const char LETTERS[] = "YyMDhmsE";
static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec", DAYS[] = "MonTueWedThuFriSatSun";
static const int64_t NO_TIME = INT64_MIN, YEARLESS = -(INT64_C(1) << 61), CLOCK = -(INT64_C(1) << 60);
static const int64_t DAY_MS = 86400000;

/* One character of a shape: what it must be, and the field whose digit it is. */
enum { SAME, NUMBER, PADDED, BETWEEN, NAME_OF_MONTH, NAME_OF_DAY };
typedef struct {
    uint8_t kind, what;
} Step;

typedef struct {
    Step steps[64];
    size_t count, size;
    bool has[FIELDS];
} Shape;

typedef struct {
    Shape *shapes;
    size_t count;
    bool fraction, half, zone, year, loose;
    const uint8_t *zones; /* six bytes each: a name filled up with zeros, minutes east of UTC */
    size_t zone_count;
} Stamp;

typedef struct {
    const uint8_t *text;
    size_t size;
} Text;

typedef struct {
    uint64_t value[FIELDS];
} Values;

static uint8_t at(const Text *text, size_t place) { return place < text->size ? text->text[place] : 0; }
static bool digit(uint8_t c) { return c >= '0' && c <= '9'; }
static bool wordy(uint8_t c) { return digit(c) || c == '_' || ((c | 32) >= 'a' && (c | 32) <= 'z'); }

static bool plan(Shape *shape, const char *text) {
    *shape = (Shape){.size = strlen(text)};
    if (shape->size > 64) return false;
    for (size_t i = 0; i < shape->size;) {
        Step *step = &shape->steps[shape->count++];
        const char *letter = strchr(LETTERS, text[i]);
        if (!strncmp(text + i, "bbb", 3) || !strncmp(text + i, "www", 3)) {
            *step = (Step){text[i] == 'b' ? NAME_OF_MONTH : NAME_OF_DAY, 0};
            if (text[i] == 'b') shape->has[MONTH] = true;
            i += 3;
            continue;
        }
        if (letter == NULL)
            *step = (Step){text[i] == '~' ? BETWEEN : SAME, (uint8_t)text[i]};
        else {
            bool padded = text[i] == 'D' && text[i + 1] == 'D' && (i == 0 || text[i - 1] != 'D');
            *step = (Step){padded ? PADDED : NUMBER, (uint8_t)(letter - LETTERS)};
            shape->has[step->what] = true;
        }
        i++;
    }
    return true;
}

/* Number of a name of three letters, from 1; 0 where it is none. */
static uint64_t name(const char *names, const Text *text, size_t place) {
    for (size_t i = 0; names[i]; i += 3)
        if (at(text, place) == (uint8_t)names[i] && at(text, place + 1) == (uint8_t)names[i + 1] &&
            at(text, place + 2) == (uint8_t)names[i + 2])
            return i / 3 + 1;
    return 0;
}

static bool read_shape(const Text *text, size_t place, const Shape *shape, Values *values) {
    *values = (Values){{0}};
    for (size_t i = 0; i < shape->count; i++, place++) {
        const Step *step = &shape->steps[i];
        uint8_t c = at(text, place);
        if (step->kind == SAME) {
            if (c != step->what) return false;
        } else if (step->kind == NUMBER || step->kind == PADDED) {
            if (!digit(c) && !(c == ' ' && step->kind == PADDED)) return false;
            values->value[step->what] = values->value[step->what] * 10 + (c & 15);
        } else if (step->kind == BETWEEN) {
            if (c != ' ' && c != 'T' && c != '\t' && c != '_') return false;
        } else {
            uint64_t number = name(step->kind == NAME_OF_MONTH ? MONTHS : DAYS, text, place);
            if (!number) return false;
            if (step->kind == NAME_OF_MONTH) values->value[MONTH] = number;
            place += 2;
        }
    }
    return true;
}

static int64_t fraction(const Text *text, size_t *end, size_t limit, bool loose) {
    uint8_t mark = at(text, *end);
    if (*end >= limit || (mark != '.' && mark != ',' && mark != ':')) return 0;
    size_t length = 0;
    while (length < 9 && length < limit - *end - 1 && digit(at(text, *end + 1 + length))) length++;
    if (length < 3 && !(mark == '.' && length) && !(loose && mark == ':' && length)) return 0;
    int64_t value = 0, worth = 100;
    for (size_t i = 0; i < 3 && i < length; i++, worth /= 10) value += (at(text, *end + 1 + i) & 15) * worth;
    for (size_t i = length; loose && mark == ':' && i < 3; i++) value /= 10; /* a number of milliseconds */
    *end += length + 1;
    return value;
}

static bool half(const Text *text, size_t *end, size_t limit, uint64_t *hour) {
    size_t place = *end + (at(text, *end) == ' ' && *end < limit);
    uint8_t first = at(text, place) | 32;
    if ((first != 'a' && first != 'p') || (at(text, place + 1) | 32) != 'm' || place + 2 > limit) return false;
    if (wordy(at(text, place + 2)) || *hour < 1 || *hour > 12) return false;
    *hour = *hour % 12 + 12 * (first == 'p');
    *end = place + 2;
    return true;
}

static int two(const Text *text, size_t place) { return (at(text, place) - '0') * 10 + at(text, place + 1) - '0'; }

static int64_t zone(const Text *text, size_t *end, size_t limit, const Stamp *stamp) {
    bool blank = at(text, *end) == ' ' && *end < limit;
    size_t place = *end + blank;
    uint8_t first = at(text, place);
    if (place >= limit) return 0;
    if (first == 'Z' && !blank && !wordy(at(text, place + 1))) {
        *end = place + 1;
        return 0;
    }
    if (first == '+' || first == '-') {
        if (!digit(at(text, place + 1)) || !digit(at(text, place + 2)) || place + 3 > limit) return 0;
        bool colon = at(text, place + 3) == ':';
        size_t where = place + 3 + colon;
        bool four = digit(at(text, where)) && digit(at(text, where + 1)) && where + 2 <= limit;
        if (!four && (blank || colon || wordy(at(text, place + 3)))) return 0;
        int hours = two(text, place + 1), minutes = four ? two(text, where) : 0;
        if (hours > 18 || minutes > 59) return 0;
        *end = four ? where + 2 : place + 3;
        return (first == '-' ? -1 : 1) * (hours * 60 + minutes);
    }
    for (size_t i = 0; blank && i < stamp->zone_count; i++) {
        const uint8_t *one = stamp->zones + 6 * i;
        size_t length = one[3] ? 4 : 3;
        bool same = place + length <= limit && !wordy(at(text, place + length));
        for (size_t k = 0; same && k < length; k++) same = at(text, place + k) == one[k];
        if (!same) continue;
        int16_t minutes;
        memcpy(&minutes, one + 4, 2);
        *end = place + length;
        return minutes;
    }
    return 0;
}

/* Days from 1970 to a day of the Gregorian calendar. */
static int64_t days(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400; /* years are 0 and above */
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool moment(const Shape *shape, const Values *values, bool tailed, int64_t *time) {
    const uint64_t *v = values->value;
    if (v[HOUR] > 23 || v[MINUTE] > 59 || v[SECOND] > 60) return false;
    int64_t clock = (int64_t)((v[HOUR] * 60 + v[MINUTE]) * 60 + v[SECOND]) * 1000;
    if (!shape->has[DAY]) {
        *time = clock + CLOCK;
        return true;
    }
    bool full = shape->has[YEAR] || tailed;
    int64_t year = full ? (int64_t)v[YEAR] : shape->has[SHORT] ? (int64_t)v[SHORT] + 2000 : 1972;
    int64_t month = (int64_t)v[MONTH], day = (int64_t)v[DAY];
    if (month < 1 || month > 12 || day < 1 || year < 1 || year > 9999) return false;
    int64_t first = days(year, month, 1), next = month == 12 ? days(year + 1, 1, 1) : days(year, month + 1, 1);
    if (day > next - first) return false;
    *time = (first + day - 1) * DAY_MS + clock;
    if (!full && !shape->has[SHORT]) *time += YEARLESS - 2 * 365 * DAY_MS;
    return true;
}

static bool since_epoch(uint64_t written, int64_t ms, int64_t *time) {
    int64_t number = (int64_t)written, found;
    if (number >= INT64_C(1000000000000000000)) found = number / 1000000;
    else if (number >= INT64_C(1000000000000000)) found = number / 1000;
    else if (number >= INT64_C(1000000000000)) found = number;
    else found = (int64_t)(written * 1000);
    if (number < INT64_C(1000000000000)) found = (int64_t)((uint64_t)found + (uint64_t)ms);
    *time = found;
    return found >= INT64_C(1000000000000) && found < INT64_C(4000000000000);
}

static bool complete(
    const Text *text, size_t *end, size_t limit, const Stamp *stamp, const Shape *shape, Values *values, int64_t *time
) {
    int64_t ms = stamp->fraction ? fraction(text, end, limit, stamp->loose) : 0, east = 0;
    if (stamp->half && !half(text, end, limit, &values->value[HOUR]) && !shape->has[SECOND]) return false;
    if (stamp->zone) east = zone(text, end, limit, stamp);
    if (stamp->year) {
        if (limit < *end + 5 || at(text, *end) != ' ') return false;
        uint64_t found = 0;
        for (size_t i = 1; i < 5; i++) {
            if (!digit(at(text, *end + i))) return false;
            found = found * 10 + (at(text, *end + i) & 15);
        }
        values->value[YEAR] = found;
        *end += 5;
    }
    if (*end < limit && digit(at(text, *end))) return false;
    if (shape->has[EPOCH])
        return since_epoch(values->value[EPOCH], ms, time) && (*end >= limit || !wordy(at(text, *end)));
    if (!moment(shape, values, stamp->year, time)) return false;
    *time += ms - 60000 * east;
    return true;
}

static bool read_stamp(const Text *text, size_t place, size_t limit, const Stamp *stamp, int64_t *time, size_t *end) {
    for (size_t i = 0; i < stamp->count; i++) {
        const Shape *shape = &stamp->shapes[i];
        Values values;
        if (limit < place + shape->size || !read_shape(text, place, shape, &values)) continue;
        *end = place + shape->size;
        if (complete(text, end, limit, stamp, shape, &values, time)) return true;
    }
    return false;
}

static bool prepare(Stamp *stamp, PyObject *shapes, const char *tail) {
    Py_ssize_t count = PyTuple_Size(shapes);
    if (count < 0) return false;
    stamp->shapes = PyMem_Calloc((size_t)count + 1, sizeof *stamp->shapes);
    if (stamp->shapes == NULL) return PyErr_NoMemory(), false;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *text = PyUnicode_AsUTF8String(PyTuple_GetItem(shapes, i));
        if (text == NULL) return false;
        const char *written = PyBytes_AsString(text);
        if (i == 0) stamp->loose = strstr(written, "YYYYMMDD-hh") != NULL;
        bool good = plan(&stamp->shapes[stamp->count++], written);
        Py_DECREF(text);
        if (!good) return PyErr_SetString(PyExc_ValueError, "a shape is too long"), false;
    }
    stamp->fraction = strstr(tail, "fraction") != NULL;
    stamp->half = strstr(tail, "half") != NULL;
    stamp->zone = strstr(tail, "zone") != NULL;
    stamp->year = strstr(tail, "year") != NULL;
    return true;
}

static PyObject *read_all(const Text *text, const Py_buffer *places, const Py_buffer *limits, const Stamp *stamp) {
    size_t count = (size_t)places->len / 8;
    PyObject *flags = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)count), *found = NULL;
    PyObject *times = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(8 * count));
    PyObject *ends = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(8 * count));
    if (flags == NULL || times == NULL || ends == NULL) goto done;
    char *flag = PyByteArray_AsString(flags), *time = PyByteArray_AsString(times), *end = PyByteArray_AsString(ends);
    for (size_t i = 0; i < count; i++) {
        int64_t place, limit, when = NO_TIME, behind;
        memcpy(&place, (const uint8_t *)places->buf + 8 * i, 8);
        memcpy(&limit, (const uint8_t *)limits->buf + 8 * i, 8);
        behind = place;
        size_t last = 0;
        bool inside = place >= 0 && limit >= place && (uint64_t)limit <= text->size;
        flag[i] = inside && read_stamp(text, (size_t)place, (size_t)limit, stamp, &when, &last);
        if (flag[i]) behind = (int64_t)last;
        else when = NO_TIME;
        memcpy(time + 8 * i, &when, 8);
        memcpy(end + 8 * i, &behind, 8);
    }
    found = PyTuple_Pack(3, flags, times, ends);
done:
    Py_XDECREF(flags);
    Py_XDECREF(times);
    Py_XDECREF(ends);
    return found;
}

/* stamps(text, places, limits, shapes, tail, zones) -> which are stamps (bool), their times and ends (int64). */
PyObject *lo2_stamps(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer text, places, limits, zones;
    PyObject *shapes, *found = NULL;
    const char *tail;
    if (!PyArg_ParseTuple(args, "y*y*y*Osy*", &text, &places, &limits, &shapes, &tail, &zones)) return NULL;
    Stamp stamp = {.zones = zones.buf, .zone_count = (size_t)zones.len / 6};
    if (places.len != limits.len)
        PyErr_SetString(PyExc_ValueError, "as many limits as places are expected");
    else if (prepare(&stamp, shapes, tail)) {
        Text inside = {text.buf, (size_t)text.len};
        found = read_all(&inside, &places, &limits, &stamp);
    }
    PyMem_Free(stamp.shapes);
    PyBuffer_Release(&text);
    PyBuffer_Release(&places);
    PyBuffer_Release(&limits);
    PyBuffer_Release(&zones);
    return found;
}
