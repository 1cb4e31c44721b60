/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/ask: bodies of Nova and OpenAI's two, and what they are found to be.
 */
#include "ask_rows.h"

#define USER(content) "{'messages':[{'role':'user','content':" content "}]}"
#define POINT         "'cachePoint':{'type':'default'}"

static void nova(void **state)
{
    static const struct row rows[] = {
        {USER("[{'text':'a'}]"), "m0 free"},
        {USER("[{'text':'a'," POINT "}]"), "m0 free 5m"},
        {"{'schemaVersion':'messages-v1','system':[{'text':'s'}],'toolConfig':{'tools':[{"
         "'toolSpec':{'inputSchema':{'cachePoint':1}}}]},'messages':[{'role':'user','content':["
         "{'toolResult':{}},{'text':'a'},{'image':{}},{'text':' '}]},{'role':'assistant',"
         "'content':[{'text':'a'},{'toolUse':{}}]}]}",
         "t dialect, s free, m0 dialect, m0 free, m0 dialect, m0 empty, m1 free, m1 dialect"},
        {USER("[{'text':'a','new':1},{'text':'a','cachePoint':null},{'reasoningContent':{}}]"),
         "m0 kind, m0 null, m0 thinking"},
        {USER("'a'"), "unclear: a content that is no list"},
        {USER("[{'image':{}," POINT "}]"), "unclear: a marker where none may be"},
        {USER("[{'text':'a'},{" POINT "}]"), "unclear: a marker where none may be"},
        {USER("[{'text':'a'," POINT "," POINT "}]"), "unclear: a member stands twice"},
        {"{'messages':[{'role':'user','content':[{'text':'a'}]}],'toolConfig':{'tools':[{'toolSpec'"
         ":{}," POINT "}]}}",
         "unclear: a marker where none may be"},
        {"{'system':'s','messages':[]}", "unclear: a part of the prompt that is no list"},
    };
    CHECK(ASK_NOVA, rows);
}

#define INPUT(items) "{'input':[" items "]}"
#define BREAK        "'prompt_cache_breakpoint':{'mode':'explicit'}"

static void responses(void **state)
{
    static const struct row rows[] = {
        {"{'input':'a'}", "m0 dialect"},
        {"{'input':''}", "m0 empty"},
        {"{'input':null}", "unclear: a part of the prompt that is no list"},
        {"{'input':[]}", "unclear: no messages"},
        {"{'instructions':'s','tools':[{'type':'function','parameters':{" BREAK
         "}}],'input':[{'role':'user','content':'a'}]}",
         "t dialect, s dialect, m0 free"},
        {"{'instructions':null,'tools':null,'input':[{'role':'user','content':'a'}]}", "m0 free"},
        {INPUT("{'role':'user','content':[{'type':'input_text','text':'a'},{'type':'input_image'},"
               "{'type':'input_text','text':'b'," BREAK "},{'type':'input_text','text':''}]}"),
         "m0 free, m0 kind, m0 free 30m, m0 empty"},
        {INPUT("{'content':'a','role':'assistant'},{'type':'message','role':'assistant','content':["
               "{'type':'output_text','text':'b'},{'type':'input_text','text':'c'}]}"),
         "m0 dialect, m1 kind, m1 dialect"},
        {INPUT("{'type':'function_call','arguments':'{}'},{'type':'function_call_output','output':"
               "'a'},{'type':'reasoning','content':null,'summary':[]}"),
         "m0 kind, m1 kind, m2 kind"},
        {INPUT("{'type':'function_call_output','output':[{'type':'input_text','text':'a'," BREAK
               "}]}"),
         "m0 kind 30m"},
        {INPUT("{'output':[],'content':'a'}"), "unclear: an item with content and output"},
        {INPUT("{'content':1}"), "unclear: a content that is no list"},
        {INPUT("{'content':[]}"), "unclear: a message without a block"},
        {INPUT("{'content':['a']}"), "unclear: an element that is no object"},
        {INPUT("{'content':[{'type':'input_text','text':'a'," BREAK "," BREAK "}]}"),
         "unclear: a member stands twice"},
        {INPUT("{'content':[{'prompt_cache_breakpoint':{'mode':'implicit'}}]}"),
         "unclear: a marker of a kind that is not known"},
        {INPUT("{'content':[{'prompt_cache_breakpoint':{'mode':'explicit','ttl':'9m'}}]}"),
         "unclear: a marker with a TTL that is not known"},
    };
    CHECK(ASK_RESPONSES, rows);
}

static void chat(void **state)
{
    static const struct row rows[] = {
        {USER("'a'"), "m0 dialect"},
        {"{'tools':[{'type':'function'}],'messages':[{'role':'system','content':'s'},{'role':'user'"
         ",'content':[{'type':'text','text':'a'},{'type':'image_url'}]},{'role':'assistant',"
         "'content':null,'tool_calls':[{}]},{'role':'tool','tool_call_id':'t','content':'r'}]}",
         "t dialect, m0 dialect, m1 dialect, m1 dialect, m2 kind, m3 dialect"},
        {USER("[{'type':'text','text':'a'," BREAK "}]"), "m0 dialect 30m"},
        {"{'messages':[]}", "unclear: no messages"},
    };
    CHECK(ASK_CHAT, rows);
}

static void none(void **state)
{
    static const struct row rows[] = {
        {USER("[{'text':'a'}]"), "unclear: no prompt that could be marked"}};
    CHECK(ASK_NONE, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nova),
        cmocka_unit_test(responses),
        cmocka_unit_test(chat),
        cmocka_unit_test(none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
