/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/ask: bodies and what they are found to be, for Converse and Claude; the other dialects are
 * in test_ask_more.
 */
#include "ask_rows.h"

#define USER(content) "{'messages':[{'role':'user','content':" content "}]}"
#define ASSISTANT(content)                                                                         \
    "{'messages':[{'role':'user','content':[{'text':'a'}]},{'role':'assistant','content':" content \
    "}]}"
#define POINT "{'cachePoint':{'type':'default'}}"

static void converse(void **state)
{
    static const struct row rows[] = {
        {USER("[{'text':'a'}]"), "m0 free"},
        {"{'messages':[{'content':[{'text':'a'}],'role':'user'}],'system':[{'text':'s'}],"
         "'toolConfig':{'toolChoice':{'any':{}},'tools':[{'toolSpec':{'name':'t'}}]}}",
         "t free, s free, m0 free"},
        {USER("[{'text':'a'}," POINT ",{'text':'b'}]"), "m0 free 5m, m0 free"},
        {USER("[{'text':'a'},{'cachePoint':{'ttl':'1h','type':'default'}}]"), "m0 free 1h"},
        {"{'system':[{'text':'a'}," POINT "],'toolConfig':{'tools':[{'toolSpec':{}}," POINT
         "]},'messages':[{'role':'user','content':[{'text':'q'}]}]}",
         "t free 5m, s free 5m, m0 free"},
        {USER("[{'text':' \\n\\u0009 '},{'text':''}]"), "m0 empty, m0 empty"},
        {USER("[{'image':{'format':'png'}},{'document':{'format':'pdf'}},{'video':{}},"
              "{'text':'a'}]"),
         "m0 free, m0 document, m0 document, m0 free"},
        {USER("[{'audio':{}},{'guardContent':{}},{'new':1},{'text':'a','x':1},{}]"),
         "m0 kind, m0 kind, m0 kind, m0 kind, m0 kind"},
        {USER("[{'toolResult':{'content':[{'text':'x'},{'json':{'cachePoint':1}}]}},{'text':'a'}]"),
         "m0 result, m0 free"},
        {ASSISTANT("[{'text':'b'},{'toolUse':{'input':{'cachePoint':{}}}}]"),
         "m0 free, m1 free, m1 tool_call"},
        {"{'system':[{'guardContent':{}},{'image':{}}],'toolConfig':{'tools':[{'systemTool':{}},"
         "{'text':'a'}]},'messages':[{'role':'user','content':[{'toolSpec':{}}]}]}",
         "t kind, t kind, s kind, s kind, m0 kind"},
        /* empty and absent lists before the messages say nothing */
        {"{'system':[],'toolConfig':{'tools':[]},'messages':[{'role':'user','content':[{'text':'a'"
         "}]}]}",
         "m0 free"},
        {"{'system':null,'toolConfig':{},'messages':[{'role':'user','content':[{'text':'a'}]}]}",
         "m0 free"},
        /* names are compared as they are meant */
        {USER("[{'\\u0074ext':'a'},{'cache\\u0050oint':{'type':'def\\u0061ult'}}]"), "m0 free 5m"},
    };
    CHECK(ASK_CONVERSE, rows);
}

static void converse_reasoning(void **state)
{
#define THINKS \
    "{'role':'assistant','content':[{'reasoningContent':{}},{'text':'b'},{'toolUse':{}}]}"
    static const struct row rows[] = {
        {"{'messages':[{'role':'user','content':[{'text':'a'}]}," THINKS
         ",{'role':'user','content':[{'toolResult':{}},{'text':'c'}]}]}",
         "m0 free, m1 thinking, m1 thinking, m1 thinking, m2 result, m2 free"},
        /* the merged turn, wherever the role stands */
        {"{'messages':[" THINKS ",{'content':[{'text':'c'}],'role':'assistant'},"
         "{'content':[{'text':'d'}],'role':'user'}]}",
         "m0 thinking, m0 thinking, m0 thinking, m1 thinking, m2 free"},
        /* before it there may be one */
        {ASSISTANT("[{'text':'a'},{'reasoningContent':{}},{'text':'b'}]"),
         "m0 free, m1 free, m1 thinking, m1 thinking"},
    };
    CHECK(ASK_CONVERSE, rows);
}

static void converse_unclear(void **state)
{
    static const struct row rows[] = {
        {"{}", "unclear: no messages"},
        {"{'messages':[]}", "unclear: no messages"},
        {"{'messages':null}", "unclear: a part of the prompt that is no list"},
        {"{'messages':{}}", "unclear: a part of the prompt that is no list"},
        {"{'messages':'a'}", "unclear: a part of the prompt that is no list"},
        {"{'system':'a','messages':[{'role':'user','content':[{'text':'a'}]}]}",
         "unclear: a part of the prompt that is no list"},
        {"{'messages':['a']}", "unclear: an element that is no object"},
        {USER("'a'"), "unclear: a content that is no list"},
        {USER("[]"), "unclear: a message without a block"},
        {USER("[1]"), "unclear: an element that is no object"},
        {USER("[[{'text':'a'}]]"), "unclear: an element that is no object"},
        {USER("[{'text':1}]"), "unclear: a text that is no string"},
        {"{'messages':[{'content':[{'text':'a'}]}]}", "unclear: a message without role or content"},
        {"{'messages':[{'role':'user'}]}", "unclear: a message without role or content"},
        {"{'messages':[{'role':'user','role':'user','content':[{'text':'a'}]}]}",
         "unclear: a member stands twice"},
        {"{'messages':[{'role':'user','content':[{'text':'a'}],'content':[{'text':'a'}]}]}",
         "unclear: a member stands twice"},
        {USER("[{'text':'a','text':'b'}]"), "unclear: a member stands twice"},
        {USER("[{'text':'a','te\\u0078t':'b'}]"), "unclear: a member stands twice"},
        /* markers in odd places */
        {USER("[" POINT ",{'text':'a'}]"), "unclear: a marker with nothing before it"},
        {USER("[{'text':'a'}," POINT "," POINT "]"), "unclear: a marker with nothing before it"},
        {"{'system':[" POINT "],'toolConfig':{'tools':[{'toolSpec':{}}]},'messages':[]}",
         "unclear: a marker with nothing before it"},
        {USER("[{'toolResult':{'content':[{'text':'a'}," POINT "]}}]"),
         "unclear: a marker in a tool result"},
        {USER("[{'text':'a','cachePoint':{'type':'default'}}]"),
         "unclear: a marker that is something else, too"},
        {USER("[{'text':'a'},{'cachePoint':null}]"), "unclear: a marker that is no object"},
        {USER("[{'text':'a'},{'cachePoint':{}}]"), "unclear: a marker of a kind that is not known"},
        {USER("[{'text':'a'},{'cachePoint':{'type':'new'}}]"),
         "unclear: a marker of a kind that is not known"},
        {USER("[{'text':'a'},{'cachePoint':{'type':'default','ttl':'2h'}}]"),
         "unclear: a marker with a TTL that is not known"},
        {USER("[{'text':'a'},{'cachePoint':{'type':'default','ttl':null}}]"),
         "unclear: a text that is no string"},
        {USER("[{'text':'a'},{'cachePoint':{'type':'default','scope':'x'}}]"),
         "unclear: a marker with a member that is not known"},
        {USER("[{'text':'a'},{'cachePoint':{'type':'default','type':'default'}}]"),
         "unclear: a member stands twice"},
    };
    CHECK(ASK_CONVERSE, rows);
}

#define CONTROL "'cache_control':{'type':'ephemeral'}"
#define HOUR    "'cache_control':{'type':'ephemeral','ttl':'1h'}"
#define TEXT(t) "{'type':'text','text':'" t "'}"

static void claude(void **state)
{
    static const struct row rows[] = {
        {USER("'a'"), "m0 free"},
        {USER("[" TEXT("a") "]"), "m0 free"},
        {"{'messages':[{'content':'a','role':'user'}],'system':'s','tools':[{'name':'t'}]}",
         "t free, s free, m0 free"},
        {USER("''"), "m0 empty"},
        {USER("[{'type':'text','text':'a'," CONTROL "}]"), "m0 free 5m"},
        {USER("[{" HOUR ",'type':'text','text':'a'}]"), "m0 free 1h"},
        {USER("[{'type':'text','text':'a','cache_control':null}]"), "m0 null"},
        {USER("[{'type':'text','text':'','cache_control':null}]"), "m0 empty"},
        {USER("[{'type':'image','source':{'data':'x'}},{'type':'document','source':{}},"
              "{'type':'search_result'},{'type':'tool_result','content':'r'}]"),
         "m0 free, m0 free, m0 free, m0 free"},
        {USER("[{'type':'server_tool_use'},{'type':'new'},{'type':'text'}]"),
         "m0 kind, m0 kind, m0 empty"},
        {"{'tools':[{'name':'a'," CONTROL "},{'name':'b','defer_loading':true},"
         "{'name':'c','defer_loading':false,'input_schema':{'properties':{'cache_control':1}}},{}],"
         "'messages':[{'role':'user','content':'a'}]}",
         "t free 5m, t kind, t free, t kind, m0 free"},
        {"{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':["
         "{'type':'thinking','thinking':'x','signature':'y'},{'type':'tool_use','input':{"
         "'cache_control':{}}}]},{'role':'user','content':[{'type':'tool_result'}]}]}",
         "m0 free, m1 thinking, m1 thinking, m2 free"},
        /* the client's markers in nested blocks; where they are several, none is added anywhere */
        {USER("[{'type':'tool_result','content':[{'type':'text','text':'a'," HOUR
              "}]}," TEXT("a") "]"),
         "m0 free 1h, m0 free"},
        {USER("[{'type':'tool_result','content':[{'type':'text','text':'a'," HOUR
              "},{'type':'document','source':{'content':[{'type':'text','text':'a'," HOUR
              "}]}}]}," TEXT("b") "]"),
         "m0 crowded 1h, m0 crowded"},
        {USER("[{'type':'tool_result','content':{'cache_control':null,'content':[1,'x',null]}}]"),
         "m0 free"},
    };
    CHECK(ASK_CLAUDE, rows);
}

static void claude_unclear(void **state)
{
    static const struct row rows[] = {
        {USER("null"), "unclear: a content that is no list"},
        {"{'messages':'a'}", "unclear: a part of the prompt that is no list"},
        {"{'tools':'a','messages':[]}", "unclear: a part of the prompt that is no list"},
        {"{'system':{},'messages':[]}", "unclear: a part of the prompt that is no list"},
        {USER("[{'text':'a'}]"), "unclear: a block without a type"},
        {USER("[{'type':'text','text':'a'," CONTROL "," CONTROL "}]"),
         "unclear: a member stands twice"},
        {USER("[{'type':'tool_result','content':[{" CONTROL "," CONTROL "}]}]"),
         "unclear: a member stands twice"},
        {USER("[{'type':'text','text':'a','cache_control':'ephemeral'}]"),
         "unclear: a marker that is no object"},
        {USER("[{'type':'text','text':'a','cache_control':{'type':'persistent'}}]"),
         "unclear: a marker of a kind that is not known"},
        {USER("[{'type':'tool_result'," CONTROL ",'content':[{" HOUR "}]}]"),
         "unclear: markers of two TTLs in one block"},
        {USER("[{'type':'tool_result','content':[[]]}]"), "unclear: a list in a list of blocks"},
        {USER("[{'type':'tool_result','content':{'content':{'content':{'content':{'content':{"
              "'content':{'content':{'content':{'content':{}}}}}}}}}}]"),
         "unclear: blocks in blocks, too deeply"},
    };
    CHECK(ASK_CLAUDE, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(converse),         cmocka_unit_test(converse_reasoning),
        cmocka_unit_test(converse_unclear), cmocka_unit_test(claude),
        cmocka_unit_test(claude_unclear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
