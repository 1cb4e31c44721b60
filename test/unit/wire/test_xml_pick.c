/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/xml_pick: what STS and S3 answer, entities, and everything refused.
 */
#include "vectors.h"
#include "weir/wire/xml_pick.h"

/* AWS STS API Reference, AssumeRole, example answer (2011-06-15), shortened. */
static const struct str sts =
    STR("<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
        "  <AssumeRoleResult>\n"
        "    <AssumedRoleUser>\n"
        "      <Arn>arn:aws:sts::123456789012:assumed-role/demo/TestAR</Arn>\n"
        "    </AssumedRoleUser>\n"
        "    <Credentials>\n"
        "      <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>\n"
        "      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>\n"
        "      <SessionToken>AQoDYXdzEPT//////////wEXAMPLE==</SessionToken>\n"
        "      <Expiration>2019-11-09T13:34:41Z</Expiration>\n"
        "    </Credentials>\n"
        "    <PackedPolicySize>6</PackedPolicySize>\n"
        "  </AssumeRoleResult>\n"
        "  <ResponseMetadata>\n"
        "    <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>\n"
        "  </ResponseMetadata>\n"
        "</AssumeRoleResponse>\n");

static const struct str s3 =
    STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
        "<IsTruncated>false</IsTruncated><Prefix/>"
        "<Contents><Key>a &amp; b</Key><Size>1</Size><Owner><ID>x</ID></Owner></Contents>"
        "<!-- <Contents><Key>no</Key></Contents> -->"
        "<Contents><Key>c</Key><Size>2</Size></Contents><Contents/></ListBucketResult>");

static void assert_picks(struct str text, struct str name, struct str want)
{
    struct buf b = {0};
    buf_add(&b, S("kept"));
    assert_int_equal(xml_pick(text, name, &b), 0);
    assert_str(str_from_offset(buf_str(&b), 4), want);
    buf_fini(&b);
}

static void assert_fails(struct str text, int err)
{
    struct buf b = {0};
    buf_add(&b, S("kept"));
    int got = xml_pick(text, S("a"), &b);
    if (got != err)
        fail_msg("%.*s: %d", STR_ARG(text), got);
    assert_str(buf_str(&b), S("kept"));
    buf_fini(&b);
}

static void reads_what_sts_answers(void **state)
{
    assert_picks(sts, S("AccessKeyId"), S("ASIAIOSFODNN7EXAMPLE"));
    assert_picks(sts, S("SecretAccessKey"), S("wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY"));
    assert_picks(sts, S("SessionToken"), S("AQoDYXdzEPT//////////wEXAMPLE=="));
    assert_picks(sts, S("Expiration"), S("2019-11-09T13:34:41Z"));
    assert_picks(sts, S("RequestId"), S("c6104cbe-af31-11e0-8154-cbc7ccf896c7"));
    struct buf b = {0};
    assert_int_equal(xml_pick(sts, S("Code"), &b), ERR_NOT_FOUND);
    assert_int_equal(xml_pick(sts, S("Credentials"), &b), ERR_BAD);
    buf_fini(&b);
}

static void walks_what_s3_lists(void **state)
{
    static const struct str keys[] = {STR("a & b"), STR("c")};
    struct str rest = s3, inside;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(xml_pick_next(&rest, S("Contents"), &inside), 0);
        assert_picks(inside, S("Key"), keys[i]);
    }
    assert_int_equal(xml_pick_next(&rest, S("Contents"), &inside), 0);
    assert_int_equal(inside.len, 0);
    struct str before = rest;
    assert_int_equal(xml_pick_next(&rest, S("Contents"), &inside), ERR_NOT_FOUND);
    assert_ptr_equal(rest.ptr, before.ptr);
    assert_picks(s3, S("Prefix"), S(""));
    assert_picks(s3, S("IsTruncated"), S("false"));
}

static void decodes_text(void **state)
{
    assert_picks(S("<a>&lt;&gt;&amp;&quot;&apos;</a>"), S("a"), S("<>&\"'"));
    assert_picks(S("<a>&#65;&#x42;&#xfc;&#x20AC;&#x1F600;&#10;</a>"), S("a"),
                 S("AB\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\n"));
    assert_picks(S("<a>&amp;lt;</a>"), S("a"), S("&lt;"));
    assert_picks(S("<a>x<![CDATA[<b>&amp;]]]]><![CDATA[>]]>y</a>"), S("a"), S("x<b>&amp;]]>y"));
    assert_picks(S("<a> x<!-- </a> --><?pi </a>?>y\n</a>"), S("a"), S(" xy\n"));
    assert_picks(S("<a>\xc3\xbc</a>"), S("a"), S("\xc3\xbc"));
}

static void knows_elements(void **state)
{
    assert_picks(S("<r><n:a xmlns:n='u' b=\"</a>\" c='>'>x</n:a></r>"), S("a"), S("x"));
    assert_picks(S("<r><aa>no</aa><a\n>x</a ></r>"), S("a"), S("x"));
    assert_picks(S("<r b='<a>no</a>'><a>x</a></r>"), S("a"), S("x"));
    assert_picks(S("<a b='1'/><a>x</a>"), S("a"), S(""));
    assert_picks(S("<a>1</a><a>2</a>"), S("a"), S("1"));
    struct str rest = S("<a><a>1</a><b/></a><a>2</a>"), inside;
    assert_int_equal(xml_pick_next(&rest, S("a"), &inside), 0);
    assert_str(inside, S("<a>1</a><b/>"));
    assert_str(rest, S("<a>2</a>"));
}

static void refuses(void **state)
{
    static const struct str bad[] = {
        STR("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"),
        STR("<!ELEMENT a><a>x</a>"),
        STR("<r><![CDATA[ <a>x</a></r>"),
        STR("<a>&x;</a>"),
        STR("<a>&</a>"),
        STR("<a>&amp</a>"),
        STR("<a>&#0;</a>"),
        STR("<a>&#xD800;</a>"),
        STR("<a>&#xFFFE;</a>"),
        STR("<a>&#x110000;</a>"),
        STR("<a>&#x1;</a>"),
        STR("<a>&#;</a>"),
        STR("<a>&#x;</a>"),
        STR("<a>&#6x5;</a>"),
        STR("<a>&#123456789;</a>"),
        STR("<a>&#x100000041;</a>"),
        STR("<a>&AMP;</a>"),
        STR("<a>\0</a>"),
        STR("<a>\x1b</a>"),
        STR("<a><![CDATA[\0]]></a>"),
        STR("<a>x"),
        STR("<a>x</a"),
        STR("<a>x</b>"),
        STR("<a><b>x</a></b>"),
        STR("<a"),
        STR("<a b='>x</a>"),
        STR("<a <b>x</a>"),
        STR("<>x</>"),
        STR("< a>x</a>"),
        STR("<!-- <a>x</a>"),
        STR("<?xml <a>x</a>"),
        STR("<a>x<b/>y</a>"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(bad[i], ERR_BAD);
    assert_fails(S(""), ERR_NOT_FOUND);
    assert_fails(S("a"), ERR_NOT_FOUND);
    assert_fails(S("{\"a\":1}"), ERR_NOT_FOUND);
    assert_fails(S("</a><b>x</b>"), ERR_NOT_FOUND);
}

static void stops_at_its_depth(void **state)
{
    struct str rest, inside;
    struct buf b = {0};
    for (int depth = XML_DEPTH_MOST; depth <= XML_DEPTH_MOST + 1; depth++) {
        buf_clear(&b);
        for (int i = 0; i < depth; i++)
            buf_add(&b, S("<a>"));
        for (int i = 0; i < depth; i++)
            buf_add(&b, S("</a>"));
        rest = buf_str(&b);
        assert_int_equal(xml_pick_next(&rest, S("a"), &inside),
                         depth == XML_DEPTH_MOST ? 0 : ERR_BAD);
    }
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_sts_answers),
        cmocka_unit_test(walks_what_s3_lists),
        cmocka_unit_test(decodes_text),
        cmocka_unit_test(knows_elements),
        cmocka_unit_test(refuses),
        cmocka_unit_test(stops_at_its_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
