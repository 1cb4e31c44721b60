/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/endpoint: URLs taken apart, and the host of each partition. With the shared data at hand
 * every region that AWS lists is checked against its partition's suffix.
 */
#include "weir/aws/endpoint.h"
#include "weir/base/file.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char err[512];

static void takes_urls_apart(void **state)
{
    static const struct {
        const char *url;
        bool tls;
        const char *host;
        int port;
        const char *authority, *base_path;
    } good[] = {
        {"https://bedrock-runtime.us-east-1.amazonaws.com", true,
         "bedrock-runtime.us-east-1.amazonaws.com", 443, "bedrock-runtime.us-east-1.amazonaws.com",
         ""},
        {"http://Weir_1.Example:8080/a%2Fb/w/", false, "weir_1.example", 8080,
         "weir_1.example:8080", "/a%2Fb/w"},
        {"HTTP://127.0.0.1:80/", false, "127.0.0.1", 80, "127.0.0.1", ""},
        {"https://h:0443", true, "h", 443, "h", ""},
        {"https://h:80", true, "h", 80, "h:80", ""},
        {"http://[FD00:EC2:0::254]/x", false, "fd00:ec2::254", 80, "[fd00:ec2::254]", "/x"},
        {"http://[::1]:8081", false, "::1", 8081, "[::1]:8081", ""},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct endpoint e;
        assert_true(endpoint_parse(str_of(good[i].url), &e, err, sizeof err));
        assert_int_equal(e.tls, good[i].tls);
        assert_string_equal(e.host, good[i].host);
        assert_int_equal(e.port, good[i].port);
        assert_string_equal(e.authority, good[i].authority);
        assert_string_equal(e.base_path, good[i].base_path);
    }
}

static void refuses_bad_urls(void **state)
{
    static const char *const bad[] = {"",
                                      "h",
                                      "ftp://h",
                                      "https://",
                                      "https:///x",
                                      "https://:443",
                                      "https://h:",
                                      "https://h:0",
                                      "https://h:65536",
                                      "https://h:99999999999",
                                      "https://h:4x",
                                      "https://h h/",
                                      "https://a..b",
                                      "https://.a",
                                      "https://h/?q",
                                      "https://h/#f",
                                      "https://h/a b",
                                      "https://h/a\\b",
                                      "https://[::1",
                                      "https://[::1]x",
                                      "https://[1.2.3.4]",
                                      "https://[::1]:",
                                      "https://::1",
                                      "https://h/\xc3\xa9",
                                      "https://h\r\nx: y"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct endpoint e = {.port = 7};
        err[0] = 0;
        if (endpoint_parse(str_of(bad[i]), &e, err, sizeof err))
            fail_msg("took %s", bad[i]);
        assert_true(err[0] != 0);
        assert_int_equal(e.port, 7);
    }
    char longest[600] = "https://h/";
    memset(longest + 10, 'a', 500);
    struct endpoint e;
    assert_false(endpoint_parse(str_of(longest), &e, err, sizeof err));
}

static void hides_a_password(void **state)
{
    struct endpoint e;
    assert_false(endpoint_parse(S("https://user:hunter2@h/"), &e, err, sizeof err));
    assert_null(strstr(err, "hunter2"));
}

static void knows_partitions(void **state)
{
    static const struct {
        const char *region, *host;
    } rows[] = {
        {"us-east-1", "sts.us-east-1.amazonaws.com"},
        {"ap-southeast-7", "sts.ap-southeast-7.amazonaws.com"},
        {"cn-north-1", "sts.cn-north-1.amazonaws.com.cn"},
        {"us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"},
        {"eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"},
        {"us-isob-east-1", "sts.us-isob-east-1.sc2s.sgov.gov"},
    };
    struct endpoint e;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(endpoint_of(S("sts"), str_of(rows[i].region), &e));
        assert_string_equal(e.host, rows[i].host);
        assert_string_equal(e.authority, rows[i].host);
        assert_true(e.tls && e.port == 443 && !e.base_path[0]);
    }
    static const char *const bad[] = {"",          "us",          "us-east",  "us-east-",
                                      "-east-1",   "us-east-1x",  "us--1",    "xx-east-1",
                                      "US-EAST-1", "us-east-1-1", "us-a.b-1", "us-east-1.evil"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(endpoint_of(S("sts"), str_of(bad[i]), &e));
}

static void agrees_with_the_list_of_aws(void **state)
{
    const char *shared = getenv("WEIR_SHARED");
    char path[512];
    struct buf b = {0};
    snprintf(path, sizeof path, "%s/models/partitions.json", shared ? shared : "../shared");
    if (file_read(path, FILE_MOST_BYTES, &b, err, sizeof err) != 0) {
        print_message("skipped: no shared data\n");
        skip();
    }
    cJSON *root = cJSON_Parse(buf_cstr(&b)), *partition, *region;
    assert_non_null(root);
    unsigned seen = 0;
    cJSON_ArrayForEach(partition, cJSON_GetObjectItem(root, "partitions"))
    {
        cJSON *outputs = cJSON_GetObjectItem(partition, "outputs");
        const char *suffix = cJSON_GetObjectItem(outputs, "dnsSuffix")->valuestring;
        cJSON_ArrayForEach(region, cJSON_GetObjectItem(partition, "regions"))
        {
            struct endpoint e;
            if (strstr(region->string, "global"))
                continue;
            assert_true(endpoint_of(S("s3"), str_of(region->string), &e));
            assert_true(str_ends(str_of(e.host), str_of(suffix)));
            seen++;
        }
    }
    assert_true(seen > 40);
    cJSON_Delete(root);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_urls_apart),
        cmocka_unit_test(refuses_bad_urls),
        cmocka_unit_test(hides_a_password),
        cmocka_unit_test(knows_partitions),
        cmocka_unit_test(agrees_with_the_list_of_aws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
