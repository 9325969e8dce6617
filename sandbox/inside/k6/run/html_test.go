package run

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is wanted was seen of k6 v2.2.0.
func TestPagesAreReadBySelectors(t *testing.T) {
	r := runScript(t, "", `
import { parseHTML } from 'k6/html';
export default function () {
  const d = parseHTML('<html><body><h1 id="t" class="c" data-a-b="1">Hi <b>you</b></h1><ul><li>1</li><li class="x">2</li><li>3</li></ul>' +
    '<form action="/f"><input name="a" value="1"><input type="checkbox" name="c" checked><select name="s"><option value="p">P</option>' +
    '<option selected value="q">Q</option></select><textarea name="t">tt</textarea></form></body></html>');
  const s = (...a) => console.log(...a);
  const h = d.find('h1'), li = d.find('li'), x = d.find('li.x');
  s(h.text(), h.html(), h.attr('id'), h.attr('nope'), h.attr('nope', 'def'), h.data('aB'), li.size());
  s(li.eq(1).text(), li.first().text(), li.last().text(), x.is('.x'), x.next().text(), x.prev().text(), li.filter('.x').size(), li.not('.x').size(),
    d.find('ul').has('.x').size());
  s(li.map((i, e) => i + e.text()), li.toArray().length, li.slice(1).size(), li.slice(0, 2).size(), li.filter((i) => i > 0).size());
  li.each((i, e) => s(i, e.nodeName(), e.textContent(), e.getAttribute('class'), typeof e.innerHTML));
  s(d.find('input').val(), d.find('select').val(), d.find('textarea').val(), d.find('form').serialize(), d.find('form').serializeArray(),
    d.find('form').serializeObject());
  s(li.get(0).nodeName(), d.find('nope').text(), x.parent().get(0).nodeName(), x.closest('body').size(), d.find('b').parents().size(),
    d.find('ul').children().size(), d.find('ul').children('.x').text());
}`)
	want := []string{
		"Hi you Hi <b>you</b> t undefined def 1 3", "2 1 3 true 3 1 1 2 1", `[ "01", "12", "23" ] 3 2 2 2`,
		"0 li 1 undefined function", "1 li 2 x function", "2 li 3 undefined function",
		`1 q tt a=1&s=q&t=tt [ { name: "a", value: "1" }, { name: "s", value: "q" }, { name: "t", value: "tt" } ] { a: "1", s: "q", t: "tt" }`,
		"li  ul 1 3 3 2",
	}
	if diff := cmp.Diff(want, r.said(t)); diff != "" || r.code != Fine {
		t.Errorf("exit code %d (-want +got):\n%s\n%s", r.code, diff, r.errs)
	}
}
