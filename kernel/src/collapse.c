/* Digits of long ids and numbers replaced by ones, in place; the twin of lo2.loading.lines.collapse. */
#include "kernel.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { DIGIT = 1, LETTER = 2, DASH = 4, WORD = 8, QUOTE = 16, NAME = 32 };
static uint8_t kinds[256];

static void mark(const char *characters, uint8_t kind) {
    for (; *characters; characters++) kinds[(uint8_t)*characters] |= kind;
}

void lo2_prepare_collapse(void) {
    mark("0123456789", DIGIT | NAME);
    mark("abcdef", LETTER);
    mark("-", DASH | WORD);
    mark("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_", WORD | NAME);
    mark("('\"#@", QUOTE);
    mark(".$", NAME);
}

static bool is(uint8_t character, uint8_t kind) { return kinds[character] & kind; }

/* Which of 64 bytes are of these kinds: digits, or digits, letters and dashes. */
static uint64_t marks(const uint8_t *text, uint8_t kind) {
    uint64_t found = 0;
#ifdef __SSE2__
    for (int i = 0; i < 4; i++) {
        __m128i some = _mm_loadu_si128((const __m128i *)(text + 16 * i)), other = _mm_sub_epi8(some, _mm_set1_epi8('0'));
        __m128i good = _mm_cmpeq_epi8(_mm_min_epu8(other, _mm_set1_epi8(9)), other);
        if (kind != DIGIT) {
            other = _mm_sub_epi8(some, _mm_set1_epi8('a'));
            good = _mm_or_si128(good, _mm_cmpeq_epi8(_mm_min_epu8(other, _mm_set1_epi8(5)), other));
            good = _mm_or_si128(good, _mm_cmpeq_epi8(some, _mm_set1_epi8('-')));
        }
        found |= (uint64_t)(uint32_t)_mm_movemask_epi8(good) << 16 * i;
    }
#else
    for (int i = 0; i < 64; i++) found |= (uint64_t)is(text[i], kind) << i;
#endif
    return found;
}

/* The same of what is left of a text from a place on; beyond its end there are none. */
static uint64_t marks_at(const uint8_t *text, size_t size, size_t place, uint8_t kind) {
    uint8_t last[64] = {0};
    if (place >= size) return 0;
    if (size - place >= 64) return marks(text + place, kind);
    memcpy(last, text + place, size - place);
    return marks(last, kind);
}

/* What is done with a run, text[first..last). */
typedef void (*Change)(uint8_t *text, size_t size, size_t first, size_t last);

/* Change all runs of at least so many (2 or 8) characters of a kind; what is changed is of that kind still. */
static void change_runs(uint8_t *text, size_t size, uint8_t kind, int least, Change change) {
    uint64_t before = 0, here = marks_at(text, size, 0, kind);
    for (size_t place = 0; place < size; place += 64) {
        uint64_t next = marks_at(text, size, place + 64, kind);
        unsigned __int128 both = (unsigned __int128)next << 64 | here, runs = both;
        for (int step = 1; step < least; step *= 2) runs &= runs >> step;
        for (uint64_t starts = (uint64_t)runs & ~(here << 1 | before); starts; starts &= starts - 1) {
            int at = __builtin_ctzll(starts);
            uint64_t behind = (uint64_t)(~both >> at); /* what is beyond the end of the run */
            size_t first = place + (size_t)at, last = first + (behind ? (size_t)__builtin_ctzll(behind) : 64);
            while (!behind && last < size && is(text[last], kind)) last++;
            change(text, size, first, last);
        }
        before = here >> 63;
        here = next;
    }
}

static void collapse_number(uint8_t *text, size_t size, size_t first, size_t last) {
    (void)size;
    size_t length = last - first;
    uint8_t before = text[first ? first - 1 : 0];
    bool chosen;
    if (length < 4)
        chosen = first >= 2 && before == '.' && is(text[first - 2], DIGIT);
    else if (length < 6)
        chosen = is(before, QUOTE);
    else if (length < 8)
        chosen = !is(before, WORD);
    else
        chosen = length > 8 || (text[first] != '1' && text[first] != '2');
    if (chosen) memset(text + first, '1', length);
}

/* Whether a hexadecimal word that ends there goes on, or may belong to a class with the identity of its object. */
static bool goes_on(const uint8_t *text, size_t size, size_t last) {
    if (last < size && is(text[last], WORD)) return true;
    size_t end = last;
    while (end < size && end < last + 64 && is(text[end], NAME)) end++;
    return end == last + 64 || (end < size && text[end] == '@');
}

static void collapse_part(uint8_t *text, size_t size, size_t first, size_t last) {
    uint8_t before = text[first ? first - 1 : 0];
    bool hexadecimal = before == 'x' && text[first >= 2 ? first - 2 : 0] == '0';
    size_t begin = first, end = last;
    if (first && is(before, WORD) && !hexadecimal) {
        while (begin < last && text[begin] != '-') begin++;
        begin++;
    }
    if (goes_on(text, size, last)) {
        while (end > first && text[end - 1] != '-') end--;
        if (end == first) return;
        end--;
    }
    if (end < begin + 8) return;
    size_t powers = 0;
    bool digits = false, others = false;
    for (size_t i = begin; i < end && !(digits && (others || powers > 1)); i++) {
        powers += text[i] == 'e';
        digits |= is(text[i], DIGIT);
        others |= is(text[i], LETTER) && text[i] != 'e';
    }
    if (!digits || !(others || powers > 1)) return; /* 1.5e-07 stays a number */
    for (size_t i = begin; i < end; i++) text[i] = text[i] == '-' ? '-' : '1';
}

/* collapse(text): ones in place of the digits of long ids and numbers. */
PyObject *lo2_collapse(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer text;
    if (!PyArg_ParseTuple(args, "w*", &text)) return NULL;
    change_runs(text.buf, (size_t)text.len, DIGIT, 2, collapse_number);
    change_runs(text.buf, (size_t)text.len, DIGIT | LETTER | DASH, 8, collapse_part);
    PyBuffer_Release(&text);
    Py_RETURN_NONE;
}
