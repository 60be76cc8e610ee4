/* One line: LO2's logback header at fixed positions (twin of lo2.loading.formats.logback.logback_header_spans), and stand-ins for ids
   (twin of lo2.loading.lines.standins). */
#include "kernel.h"

enum { HEX = 1, BEFORE = 2, AFTER = 4, OPENS = 8, CREDENTIAL = 16, LOWER = 32, IDENTITY = 64 };

static uint8_t class_of[256];

static void put(const char *characters, uint8_t bit) {
    for (; *characters; characters++) class_of[(uint8_t)*characters] |= bit;
}

void lo2_prepare(void) {
    put("0123456789abcdef", HEX);
    put("\"/ :", BEFORE);
    put("\" ,)}?/\n\r", AFTER);
    put(" :,{[(", OPENS);
    put("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", CREDENTIAL);
    put("abcdefghijklmnopqrstuvwxyz", LOWER);
    put("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", IDENTITY);
}

static bool is(uint8_t character, uint8_t bit) { return class_of[character] & bit; }

/* Digits at the places of HH:MM:SS.mmm, and what stands between; -1 where it is none. */
static int64_t time_of(const uint8_t *t) {
    static const uint8_t place[9] = {0, 1, 3, 4, 6, 7, 9, 10, 11};
    static const int32_t worth[9] = {36000000, 3600000, 600000, 60000, 10000, 1000, 100, 10, 1};
    if (t[2] != ':' || t[5] != ':' || t[8] != '.' || t[12] != ' ' || t[13] != '[') return -1;
    int64_t time = 0;
    for (int i = 0; i < 9; i++) {
        uint8_t digit = (uint8_t)(t[place[i]] - '0');
        if (digit > 9) return -1;
        time += (int64_t)digit * worth[i];
    }
    return time;
}

/* Whether a correlation id stands there: what is cut off must not be text. */
static bool is_correlation(const uint8_t *text) {
    uint8_t every = IDENTITY;
    for (int i = 0; i < 22; i++) every &= class_of[text[i]];
    return every;
}

Line lo2_read_line(const uint8_t *text, size_t size) {
    if (size && text[size - 1] == '\r') size--;
    Line line = {0, size, false, 0};
    if (size <= 18) return line;
    int64_t time = time_of(text);
    if (time < 0) return line;
    const uint8_t *bracket = memchr(text + 14, ']', size - 14);
    if (bracket == NULL) return line;
    size_t close = (size_t)(bracket - text);
    if (close + 4 >= size || text[close + 1] != ' ' || text[close + 2] != ' ') return line;
    if (text[close + 3] == ' ')
        line.begin = close + 4;
    else if (close + 26 < size && text[close + 25] == ' ' && is_correlation(text + close + 3))
        line.begin = close + 26;
    else
        return line;
    line.header = true;
    line.time = time;
    return line;
}

/* What stands at a place of a line; beyond its ends nothing that any rule asks for. */
static uint8_t at(const uint8_t *text, size_t size, size_t place) { return place < size ? text[place] : '\n'; }

static bool four(const uint8_t *text, size_t size, size_t place) {
    if (size < 4 || place > size - 4) return false;
    return class_of[text[place]] & class_of[text[place + 1]] & class_of[text[place + 2]] & class_of[text[place + 3]] & HEX;
}

/* Whether the place behind a slash may be reached by Basic credentials, whose characters hold the slash too. */
static bool in_credentials(const uint8_t *text, size_t place) {
    for (size_t back = 2; back < 48; back++) {
        if (back > place) return false;
        size_t found = place - back;
        if (!is(text[found], CREDENTIAL)) return found >= 5 && memcmp(text + found - 5, "Basic ", 6) == 0;
    }
    return true;
}

static bool behind(const uint8_t *text, size_t place, const char *key, size_t size) {
    return place >= size && memcmp(text + place - size, key, size) == 0;
}

/* Whether one of eight hexadecimal digits is below ten: letters alone hold the bit. */
static bool any_digit(const uint8_t *text) {
    const uint64_t letters = 0x4040404040404040u;
    uint64_t eight;
    memcpy(&eight, text, 8);
    return (eight & letters) != letters;
}

/* How many characters of an id at the place are replaced; 0 for none. Exactly eight digits in a row begin there. */
static size_t id_at(const uint8_t *text, size_t size, size_t place) {
    uint8_t before = text[place - 1];
    if (before == '/' && in_credentials(text, place)) return 0;
    if (at(text, size, place + 8) != '-') {
        if (!is(at(text, size, place + 8), AFTER)) return 0;
        bool quoted = before == '"' && at(text, size, place + 8) == '"' && place >= 2 && is(text[place - 2], OPENS);
        bool key = behind(text, place, " Load:", 6) || behind(text, place, " Store:", 7) ||
                   behind(text, place, " Delete:", 8);
        return quoted || before == '/' || key ? 8 : 0;
    }
    for (size_t dash = 13; dash <= 23; dash += 5)
        if (at(text, size, place + dash) != '-' || !four(text, size, place + dash - 4)) return 0;
    if (!four(text, size, place + 24) || !four(text, size, place + 28)) return 0;
    size_t length = four(text, size, place + 32) ? 36 : 32;
    if (!is(at(text, size, place + length), AFTER)) return 0;
    if (before == ':' && !(place >= 2 && is(text[place - 2], LOWER))) return 0;
    if (before == ' ' && place >= 3 && text[place - 2] == 'd' && (text[place - 3] | 32) == 'i') return 0;
    return length;
}

bool lo2_stand_in(const uint8_t *text, size_t size, size_t from, uint8_t *copy) {
    bool any = false;
    /* Every row of eight digits covers the eighth place from where the search goes on: seven of eight are skipped. */
    for (size_t next = from; size >= 8 && next <= size - 8;) {
        if (!is(text[next + 7], HEX)) {
            next += 8;
            continue;
        }
        size_t first = next + 7, last = next + 8;
        while (first > next && is(text[first - 1], HEX)) first--;
        while (last < size && is(text[last], HEX)) last++;
        size_t follows = last + 1;
        if (last - first == 8 && first > 0 && is(text[first - 1], BEFORE) && any_digit(text + first)) {
            size_t length = id_at(text, size, first);
            if (length) {
                any = true;
                if (copy == NULL) return true;
                memcpy(copy + first - from, "a1aaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", length);
                follows = first + length;
            }
        }
        next = follows;
    }
    return any;
}
