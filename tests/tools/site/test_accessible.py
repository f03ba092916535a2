"""What is changed in the pages for keyboards and screen readers."""

from tools.site import accessible


def test_what_scrolls_can_be_reached_by_keys():
    assert accessible.body("<pre><span>x</span></pre>") == (
        '<pre tabindex="0"><span>x</span></pre>')
    assert accessible.body('<div class="table-wrapper x">') == (
        '<div tabindex="0" class="table-wrapper x">')


def test_parameters_are_a_list_and_definitions_stay():
    signature = "<dt>f(</span>\n\n<dl>\n<dd><em>a</em>, </dd>\n<dd><em>b</em></dd>\n</dl>\n\n)</dt>"
    whole = f'<dl class="py function">\n{signature}\n<dd><p>What it does.</p></dd></dl>'
    listed = signature.replace("<dl>", '<ul class="parameters">').replace("</dl>", "</ul>")
    assert accessible.body(whole) == whole.replace(
        signature, listed.replace("<dd>", "<li>").replace("</dd>", "</li>"))


def test_captions_have_a_level():
    context = {"furo_navigation_tree": '<p class="caption" role="heading">Start</p>'}
    accessible.improve(context)
    assert context["furo_navigation_tree"] == (
        '<p class="caption" role="heading" aria-level="2">Start</p>')


def test_names_in_a_heading_may_be_broken_after_a_dot_or_an_underscore():
    assert accessible.body("<h1>a.b_c: more. Text</h1><p>a.b</p>") == (
        "<h1>a.<wbr>b_<wbr>c: more. Text</h1><p>a.b</p>")


def test_an_option_of_a_command_is_kept_together():
    block = '<div class="highlight-{}"><pre tabindex="0">run a-b --two-words 3 -o x\n</pre></div>'
    assert ('>run a-b <span class="option">--two-words</span> 3 <span class="option">-o</span> x\n<'
            ) in accessible.body(
        block.format("sh notranslate"))
    assert "option" not in accessible.body(block.format("python notranslate"))
