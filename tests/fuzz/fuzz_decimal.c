/* fuzz_decimal.c: any bytes as a decimal: what is taken has the bits of
 * strtod's reading, and what strtod reads of JSON's numbers is taken. The first
 * bytes as a double and a float: what is written reads back to the same bits.
 */
#include "base/decimal.h"
#include "fuzz_support.h"

/* One number as JSON has it, and nothing else. */
static int is_json_number(const char *s) {
    s += *s == '-';
    if (*s == '0') {
        s++;
    } else if (*s >= '1' && *s <= '9') {
        s += strspn(s, "0123456789");
    } else {
        return 0;
    }
    if (*s == '.') {
        size_t digits = strspn(s + 1, "0123456789");
        if (digits == 0) {
            return 0;
        }
        s += 1 + digits;
    }
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        size_t digits = strspn(s, "0123456789");
        if (digits == 0) {
            return 0;
        }
        s += digits;
    }
    return *s == '\0';
}

static void read_text(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    char *exact = malloc(size ? size : 1); /* reading on is seen by ASan */
    FUZZ_CHECK(text && exact);
    memcpy(text, data, size);
    memcpy(exact, data, size);
    text[size] = '\0';
    double got = 1.0;
    double loose = 1.0;
    int taken = mdg_decimal_read(exact, size, &got);
    int taken_loose = mdg_decimal_read_loose(exact, size, &loose);
    FUZZ_CHECK(!taken || (taken_loose && memcmp(&got, &loose, 8) == 0));
    if (taken_loose) {
        char *end = text;
        double want = strtod(text, &end);
        FUZZ_CHECK(end == text + size && memcmp(&loose, &want, 8) == 0);
    }
    if (strlen(text) == size && is_json_number(text)) {
        double want = strtod(text, NULL);
        int finite = want - want == 0.0;
        FUZZ_CHECK(taken == finite);
        FUZZ_CHECK(!finite || memcmp(&got, &want, sizeof got) == 0);
    } else {
        FUZZ_CHECK(!taken);
    }
    free(text);
    free(exact);
}

static void write_f64(double value) {
    char text[MDG_DECIMAL_MAX];
    double back = 0.0;
    size_t size = mdg_decimal_write_f64(value, text);
    FUZZ_CHECK(size < sizeof text && text[size] == '\0');
    FUZZ_CHECK(mdg_decimal_read(text, size, &back));
    FUZZ_CHECK(memcmp(&back, &value, sizeof back) == 0);
}

static void write_f32(float value) {
    char text[MDG_DECIMAL_MAX];
    double back = 0.0;
    size_t size = mdg_decimal_write_f32(value, text);
    FUZZ_CHECK(size < sizeof text && text[size] == '\0');
    FUZZ_CHECK(mdg_decimal_read(text, size, &back));
    float narrow = (float)back;
    FUZZ_CHECK(memcmp(&narrow, &value, sizeof narrow) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    read_text(data, size);
    if (size >= sizeof(double)) {
        double wide;
        float narrow;
        memcpy(&wide, data, sizeof wide);
        memcpy(&narrow, data, sizeof narrow);
        if (wide - wide == 0.0) {
            write_f64(wide);
        }
        if (narrow - narrow == 0.0f) {
            write_f32(narrow);
        }
    }
    return 0;
}
