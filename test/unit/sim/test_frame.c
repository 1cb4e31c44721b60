/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator's event-stream writer against known bytes: one real frame that Bedrock sent, and
 * botocore's vectors.
 */
#include "../wire/vectors.h"
#include "base64.h"
#include "frame.h"

#include <cjson/cJSON.h>

static void check(struct buf *got, const char *hex)
{
    struct buf want = vector_unhex(hex);
    assert_int_equal(buf_len(got), buf_len(&want));
    assert_memory_equal(got->data + got->head, want.data + want.head, buf_len(&want));
    buf_fini(&want);
    buf_fini(got);
}

/* InvokeModelWithResponseStream of a Mistral model, quoted in a public test. */
static void writes_what_bedrock_sent(void **state)
{
    struct buf b = {0};
    frame_add_event(&b, S("chunk"),
                    S("{\"bytes\":\"eyJjaG9pY2VzIjpbeyJpbmRleCI6MCwibWVzc2FnZSI6eyJyb2xlIjoiYXNza"
                      "XN0YW50IiwiY29udGVudCI6IkkifSwic3RvcF9yZWFzb24iOm51bGx9XX0=\",\"p\":"
                      "\"abcdefghijklmnopqrstuvwxyzABCDEFGHIJK\"}"));
    check(&b, "0000010b0000004b38a0a5c50b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d"
              "747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576"
              "656e747b226279746573223a2265794a6a614739705932567a496a706265794a70626d526c654349364d"
              "4377696257567a6332466e5a53493665794a796232786c496a6f6959584e7a61584e3059573530496977"
              "69593239756447567564434936496b6b696653776963335276634639795a57467a623234694f6d353162"
              "4778395858303d222c2270223a226162636465666768696a6b6c6d6e6f707172737475767778797a4142"
              "434445464748494a4b227d1106313f");
}

static void writes_botocores_vectors(void **state)
{
    struct buf b = {0};
    const struct field one = {STR("content-type"), STR("application/json")};
    frame_add(&b, NULL, 0, S(""));
    check(&b, "000000100000000005c248eb7d98c8ff");
    frame_add(&b, NULL, 0, S("{'foo':'bar'}"));
    check(&b, "0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936");
    frame_add(&b, &one, 1, S("{'foo':'bar'}"));
    check(&b, "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a73"
              "6f6e7b27666f6f273a27626172277d8d9c08b1");
    frame_add_error(&b, S("code"), S("message"));
    check(&b, "0000005200000042bf23637e0d3a6d6573736167652d747970650700056572726f720b3a6572726f722d"
              "636f6465070004636f64650e3a6572726f722d6d6573736167650700076d6573736167656b6cea3d");
}

static void frames_stand_behind_each_other(void **state)
{
    struct buf b = {0};
    frame_add(&b, NULL, 0, S(""));
    frame_add(&b, NULL, 0, S("{'foo':'bar'}"));
    check(&b, "000000100000000005c248eb7d98c8ff"
              "0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936");
}

/* Every published message whose headers are all strings. */
static void writes_the_shared_vectors(void **state)
{
    char path[VECTOR_PATH];
    unsigned n = 0;
    struct buf file = vector_read(vector_shared("vectors/eventstream/botocore-vectors.json", path));
    cJSON *root = cJSON_Parse(buf_cstr(&file));
    for (cJSON *v = cJSON_GetObjectItem(root, "positive")->child; v; v = v->next) {
        struct field fields[16];
        size_t n_fields = 0;
        bool strings = true;
        for (cJSON *h = cJSON_GetObjectItem(v, "headers")->child; h; h = h->next) {
            strings = strings && cJSON_IsString(h);
            fields[n_fields++] = (struct field){str_of(h->string), str_of(h->valuestring)};
        }
        if (!strings)
            continue;
        struct buf payload = vector_unhex(cJSON_GetObjectItem(v, "payload_hex")->valuestring);
        struct buf b = {0};
        frame_add(&b, fields, n_fields, buf_str(&payload));
        check(&b, cJSON_GetObjectItem(v, "encoded_hex")->valuestring);
        buf_fini(&payload);
        n++;
    }
    assert_true(n >= 4);
    cJSON_Delete(root);
    buf_fini(&file);
}

/* RFC 4648 section 10. */
static void codes_base64(void **state)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xfb\xff\xbf", "+/+/"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct buf b = {0}, back = {0};
        base64_add(&b, str_of(pairs[i][0]));
        assert_str(buf_str(&b), str_of(pairs[i][1]));
        assert_true(base64_decode(&back, buf_str(&b)));
        assert_str(buf_str(&back), str_of(pairs[i][0]));
        buf_fini(&b);
        buf_fini(&back);
    }
    static const char *const bad[] = {"Z", "Zg=", "Zg", "Z===", "Zm=v", "Zm 9", "Zm9v="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf b = {0};
        assert_false(base64_decode(&b, str_of(bad[i])));
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_bedrock_sent),
        cmocka_unit_test(writes_botocores_vectors),
        cmocka_unit_test(frames_stand_behind_each_other),
        cmocka_unit_test(writes_the_shared_vectors),
        cmocka_unit_test(codes_base64),
    };
    return cmocka_run_group_tests_name("sim/frame", tests, NULL, NULL);
}
