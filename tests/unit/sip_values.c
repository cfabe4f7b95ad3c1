#include "scan.h"

#include <criterion/criterion.h>
#include <errno.h>

static struct sip_via via_of(const char *string)
{
	struct sip_via via = {0};

	cr_expect_eq(sip_via_parse(text_from(string), &via), 0, "%s", string);
	return via;
}

static struct sip_uri uri_of(const char *string)
{
	struct sip_uri uri = {0};

	cr_expect_eq(sip_uri_parse(text_from(string), &uri), 0, "%s", string);
	return uri;
}

static struct sip_name_addr address_of(const char *string)
{
	struct sip_name_addr address = {0};

	cr_expect_eq(sip_name_addr_parse(text_from(string), &address), 0, "%s", string);
	return address;
}

Test(sip_via, is_taken_apart)
{
	struct sip_via via = via_of("SIP/2.0/UDP 10.0.0.2:5062;rport;branch=z9hG4bK7");

	expect_text(via.transport, "UDP");
	expect_text(via.host, "10.0.0.2");
	expect_text(via.sent_by, "10.0.0.2:5062");
	cr_expect_eq(via.port, 5062);
	expect_text(via.params, ";rport;branch=z9hG4bK7");
	expect_text(via.branch, "z9hG4bK7");
}

Test(sip_via, may_lack_port_and_parameters)
{
	struct sip_via via = via_of("SIP/2.0/TLS a-b.example_1.org");

	expect_text(via.host, "a-b.example_1.org");
	expect_text(via.sent_by, "a-b.example_1.org");
	cr_expect_eq(via.port, 0);
	expect_text(via.params, "");
	cr_expect_null(via.branch.at);
}

Test(sip_via, may_say_the_same_branch_twice)
{
	expect_text(via_of("SIP/2.0/UDP a;branch=1;rport;branch=1").branch, "1");
}

Test(sip_via, keeps_the_brackets_of_ipv6)
{
	struct sip_via via = via_of("SIP/2.0/UDP [2001:db8::9:1]:5060;received=[2001:db8::9:255]"
				    ";branch=z9hG4bKas3");

	expect_text(via.host, "[2001:db8::9:1]");
	expect_text(via.sent_by, "[2001:db8::9:1]:5060");
	cr_expect_eq(via.port, 5060);
	expect_text(via.branch, "z9hG4bKas3");
}

Test(sip_via, may_have_white_space_at_every_separator)
{
	struct sip_via via =
		via_of("SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 :\t5070 ;\r\n branch =\t"
		       "390skdjuw ; rport");

	expect_text(via.transport, "UDP");
	expect_text(via.host, "192.0.2.2");
	expect_text(via.sent_by, "192.0.2.2 :\t5070");
	cr_expect_eq(via.port, 5070);
	expect_text(via.branch, "390skdjuw");
	expect_text(via.params, ";\r\n branch =\t390skdjuw ; rport");
}

Test(sip_via, parameters_end_before_trailing_blanks_and_comment)
{
	struct sip_via via = via_of("SIP/2.0/UDP a;branch=1 (a \\) \"comment; (nested)\")");

	expect_text(via.params, ";branch=1");
	expect_text(via.value, "SIP/2.0/UDP a;branch=1 (a \\) \"comment; (nested)\")");
}

Test(sip_via, parentheses_in_quotes_are_no_comment)
{
	struct sip_via via = via_of("SIP/2.0/UDP a;x=\"(\";branch=1");

	expect_text(via.branch, "1");
}

Test(sip_via, takes_a_lone_semicolon)
{
	struct sip_via via = via_of("SIP/2.0/UDP a;;branch=1;");

	expect_text(via.branch, "1");
	expect_text(via.params, ";;branch=1;");
}

Test(sip_via, says_where_received_and_rport_stand_first)
{
	struct sip_via via =
		via_of("SIP/2.0/UDP a;rport ;received=1.2.3.4;branch=z;Received=5.6.7.8");

	cr_expect_null(via.rport.value.at);
	expect_text(via.rport.whole, ";rport");
	expect_text(via.received.value, "1.2.3.4");
	expect_text(via.received.whole, " ;received=1.2.3.4");
	cr_expect(via.has_doubles);
	cr_expect_not(via.has_others);
}

Test(sip_via, says_when_there_are_other_parameters)
{
	struct sip_via via = via_of("SIP/2.0/UDP a;ttl=1;branch=z");

	cr_expect(via.has_others);
	cr_expect_not(via.has_doubles);
	cr_expect_null(via.received.whole.at);
	cr_expect_null(via.rport.whole.at);
}

/* Proxies take it for none. */
Test(sip_via, port_0_is_none_but_stands_there)
{
	struct sip_via via = via_of("SIP/2.0/UDP a:0;rport");

	cr_expect_eq(via.port, 0);
	expect_text(via.host, "a");
	expect_text(via.sent_by, "a:0");
	expect_text(via.params, ";rport");
}

Test(sip_via, is_refused_where_it_is_unclear)
{
	static const char *const bad[] = {"", "a", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0/UDPa",
		"SIP/2.0/UDP[::1]", "SIP/2.0 a", "/2.0/UDP a", "SIP//UDP a", "SIP/2.0/ a",
		"SIP/2.0/UDP a b", "SIP/2.0/UDP a:", "SIP/2.0/UDP a:65536", "SIP/2.0/UDP a:5x",
		"SIP/2.0/UDP :5060", "SIP/2.0/UDP [::1", "SIP/2.0/UDP []", "SIP/2.0/UDP [::1]x",
		"SIP/2.0/UDP [::g]", "SIP/2.0/UDP ::1", "SIP/2.0/UDP a;=x", "SIP/2.0/UDP a;x=\"y",
		"SIP/2.0/UDP a;x y", "SIP/2.0/UDP a;x=y z", "SIP/2.0/UDP a;branch=1;branch=2",
		"SIP/2.0/UDP a;branch", "SIP/2.0/UDP a;branch=", "SIP/2.0/UDP a;branch=1 (x",
		"SIP/2.0/UDP a (x) y", "SIP/2.0/UDP a,b", "SIP/2.0/UDP a;x=b,c", "SIP/2.0/UDP a@b",
		"SIP/2.0/UDP a;x=\"y\"z", "SIP;2.0;UDP a", "SIP/2.0;UDP a"};
	struct sip_via via;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(sip_via_parse(text_from(bad[i]), &via), -EBADMSG, "%s", bad[i]);
}

Test(sip_uri, is_taken_apart)
{
	struct sip_uri uri =
		uri_of("sip:alice:secret@10.0.0.2:5062;transport=udp;lr?Subject=x&y=z");

	expect_text(uri.scheme, "sip");
	cr_expect(uri.is_sip);
	expect_text(uri.user, "alice:secret");
	expect_text(uri.host, "10.0.0.2");
	expect_text(uri.host_port, "10.0.0.2:5062");
	cr_expect_eq(uri.port, 5062);
	expect_text(uri.params, ";transport=udp;lr");
	expect_text(uri.headers, "?Subject=x&y=z");
}

Test(sip_uri, may_be_a_host_alone)
{
	struct sip_uri uri = uri_of("SIP:example.com");

	cr_expect(uri.is_sip);
	cr_expect_null(uri.user.at);
	expect_text(uri.host_port, "example.com");
	cr_expect_eq(uri.port, 0);
	expect_text(uri.params, "");
	expect_text(uri.headers, "");
}

Test(sip_uri, keeps_the_brackets_of_ipv6)
{
	struct sip_uri uri = uri_of("sip:alice@[2001:db8::192.0.2.33]:5061;lr");

	expect_text(uri.host, "[2001:db8::192.0.2.33]");
	expect_text(uri.host_port, "[2001:db8::192.0.2.33]:5061");
	cr_expect_eq(uri.port, 5061);
	expect_text(uri_of("sip:[::1]").host, "[::1]");
}

Test(sip_uri, knows_an_address_from_a_name)
{
	struct sip_uri uri = uri_of("sip:alice@192.0.2.7:5062");
	const struct address address = address_ipv4("\xc0\x00\x02\x07", 0);

	cr_expect(uri.is_address);
	cr_expect(address_equal(&uri.address, &address));
	cr_expect_not(uri_of("sip:alice@192.0.2.example.org").is_address);
	cr_expect_not(uri_of("tel:+4930123").is_address);
}

Test(sip_uri, a_user_may_hold_what_separates_elsewhere)
{
	struct sip_uri uri = uri_of("sip:user;par=u%40example.net?x,y=(z)@example.com;lr");

	expect_text(uri.user, "user;par=u%40example.net?x,y=(z)");
	expect_text(uri.host, "example.com");
	expect_text(uri.params, ";lr");
}

Test(sip_uri, an_empty_user_is_there_and_empty)
{
	expect_text(uri_of("sip:@10.0.0.2").user, "");
}

Test(sip_uri, sips_is_taken_apart_and_not_sip)
{
	struct sip_uri uri = uri_of("sips:alice@example.com:5061");

	cr_expect_not(uri.is_sip);
	expect_text(uri.scheme, "sips");
	expect_text(uri.host, "example.com");
}

Test(sip_uri, other_schemes_are_left_whole)
{
	struct sip_uri uri = uri_of("tel:+1-212-555;phone-context=x");

	cr_expect_not(uri.is_sip);
	expect_text(uri.scheme, "tel");
	expect_text(uri.whole, "tel:+1-212-555;phone-context=x");
	cr_expect_null(uri.host.at);
	cr_expect_not(uri_of("soap.beep://192.0.2.103:3002").is_sip);
}

Test(sip_uri, port_0_is_the_default_one_but_stands_there)
{
	struct sip_uri uri = uri_of("sips:a@b:0;lr");

	cr_expect_eq(uri.port, 0);
	cr_expect_eq(uri_port(&uri), 5061);
	expect_text(uri.host_port, "b:0");
	expect_text(uri.params, ";lr");
}

Test(sip_uri, parameters_may_have_quotes_and_blanks)
{
	struct sip_uri uri = uri_of("sip:203.0.113.1:5060;thinfo=\"VG8+/oI==\"");
	struct text value;

	expect_text(uri.host_port, "203.0.113.1:5060");
	expect_text(uri.params, ";thinfo=\"VG8+/oI==\"");
	expect_text(uri.headers, "");
	uri = uri_of("sip:a@b; x = \"c@d? <\\\">;e\" ;lr;y=f g?h=i");
	expect_text(uri.whole, "sip:a@b; x = \"c@d? <\\\">;e\" ;lr;y=f g?h=i");
	expect_text(uri.user, "a");
	expect_text(uri.host, "b");
	expect_text(uri.params, "; x = \"c@d? <\\\">;e\" ;lr;y=f g");
	expect_text(uri.headers, "?h=i");
	cr_expect(sip_param(uri.params, TEXT("lr"), &value));
	cr_expect(sip_param(uri.params, TEXT("x"), &value));
	expect_text(value, "\"c@d? <\\\">;e\"");
}

Test(sip_uri, parameters_may_have_eight_quoted_strings_and_tabs)
{
	const char *eight = "sip:a;a=\"\";b=\"\";c=\"\";d=\"\";e=\"\";f=\"\";g=\"\";\th=\"\"";
	const char *nine = "sip:a;a=\"\";b=\"\";c=\"\";d=\"\";e=\"\";f=\"\";g=\"\";h=\"\";i=\"\"";
	struct sip_uri uri;

	cr_expect_eq(sip_uri_parse(text_from(eight), &uri), 0);
	cr_expect_eq(sip_uri_parse(text_from(nine), &uri), -EBADMSG);
}

Test(sip_uri, quotes_and_blanks_are_refused_where_they_could_be_read_another_way)
{
	static const char *const bad[] = {"sip:a;x=\"y", "sip:a;x=\"y\"@b", "sip:a;x=y @b",
		"sip:\"x\"", "sip:\"x\"@a;y", "sip:a ;x", "sip:a;x=\"y\"?z=\"\"", "sip:a;x?y= z",
		"sip:a;x y>", "sip:a;x=\"\r\"", "sip:a;x=\"\n\"", "sip:a;x\r\n ;y", "tel:1;x=\"y\"",
		"sip:a;x \1"};
	struct sip_uri uri;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(sip_uri_parse(text_from(bad[i]), &uri), -EBADMSG, "%s", bad[i]);
}

Test(sip_uri, is_refused_where_it_is_unclear)
{
	static const char *const bad[] = {"", "sip", "sip:", ":a", "sip:a b", "sip:a@", "sip:a@b@c",
		"sip:a:65536", "sip:a:", "sip:a:b:5060", "sip:a/b", "sip:[::1", "sip:::1",
		"sip:[::1]5060", "sip:[fe80::1%eth0]", "sip:a>", "sip:<a", "sip:\"a\"@b",
		"sip:a\r\n b", "<sip:a>", "sip:a,b", "tel:1 2", "sip:a@\xc3\xa9"};
	struct sip_uri uri;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(sip_uri_parse(text_from(bad[i]), &uri), -EBADMSG, "%s", bad[i]);
}

Test(sip_name_addr, is_taken_apart)
{
	struct sip_name_addr address =
		address_of("\"J, <R> \\\"\" <sip:j@example.com;lr>;expires=60;q=\"a;b\"");

	expect_text(address.display, "\"J, <R> \\\"\"");
	expect_text(address.uri, "sip:j@example.com;lr");
	expect_text(address.params, ";expires=60;q=\"a;b\"");
}

Test(sip_name_addr, may_lack_a_display_name)
{
	struct sip_name_addr address = address_of("<sip:j@example.com>");

	cr_expect_null(address.display.at);
	expect_text(address.uri, "sip:j@example.com");
	expect_text(address.params, "");
}

Test(sip_name_addr, takes_display_names_as_phones_send_them)
{
	expect_text(address_of("Alice <sip:a>").display, "Alice");
	expect_text(address_of("caller<sip:a>").display, "caller");
	expect_text(address_of("Dr. B. (home) <sip:a>").display, "Dr. B. (home)");
	expect_text(address_of("J\xc3\xb6rg\r\n X <sip:a>").display, "J\xc3\xb6rg\r\n X");
	expect_text(address_of("\"\"<sip:a>").display, "\"\"");
	expect_text(address_of("\"A; B\" <sip:a>").display, "\"A; B\"");
}

Test(sip_name_addr, without_brackets_the_parameters_are_the_headers)
{
	struct sip_name_addr address = address_of("sip:j@example.com ; tag = 5;x=\"<y>\"");

	expect_text(address.uri, "sip:j@example.com");
	expect_text(address.params, "; tag = 5;x=\"<y>\"");
}

Test(sip_name_addr, the_uri_may_have_quotes_and_blanks_in_its_parameters)
{
	struct sip_name_addr address = address_of("\"T\" < sip:t@a;x=\"y, z\"; lr >;q=1");
	struct sip_contact contact;

	expect_text(address.display, "\"T\"");
	expect_text(address.uri, "sip:t@a;x=\"y, z\"; lr");
	expect_text(address.params, ";q=1");
	cr_assert_eq(sip_contact_parse(text_from("<sip:t@a;x=\"y\">"), &contact), 0);
	expect_text(contact.uri.params, ";x=\"y\"");
}

Test(sip_name_addr, ignores_white_space_around_its_parts)
{
	struct sip_name_addr address =
		address_of(" \"T\"  < sip:t@example.org >\r\n  ;\r\n tag=1 ");

	expect_text(address.display, "\"T\"");
	expect_text(address.uri, "sip:t@example.org");
	expect_text(address.params, ";\r\n tag=1");
}

Test(sip_name_addr, says_when_it_expires_and_whose_instance_it_is)
{
	struct sip_name_addr address =
		address_of("<sip:a@b>;Expires=60;+sip.instance=\"<urn:uuid:1>\";expires=5");

	expect_text(address.expires, "60");
	expect_text(address.instance, "\"<urn:uuid:1>\"");
	cr_expect_null(address_of("<sip:a@b>;q=1;ob").instance.at);
	cr_expect_null(address_of("<sip:a@b;+sip.instance=1>;q=1").instance.at);
	expect_text(address_of("<sip:a@b>;expires;expires=5").expires, "");
	expect_text(address_of("<sip:a@b>;expires = \"0\" ;q=1").expires, "0");
	expect_text(address_of("<sip:a@b>;expires=\"\"").expires, "");
	cr_expect_null(address_of("<sip:a@b;expires=5>;q=1").expires.at);
}

Test(sip_name_addr, an_instance_may_lack_its_quotes)
{
	struct sip_name_addr address = address_of("<sip:a@b>;+sip.instance=<urn:uuid:1>;expires=5");

	expect_text(address.instance, "<urn:uuid:1>");
	expect_text(address.expires, "5");
	expect_text(address_of("<sip:a@b>;+sip.instance='<urn:x>'").instance, "'<urn:x>'");
	cr_expect_eq(sip_name_addr_parse(TEXT("<sip:a@b>;+sip.instance=<urn"), &address), -EBADMSG);
}

Test(sip_name_addr, a_star_is_all_there_is)
{
	struct sip_name_addr address = address_of("*");

	cr_expect(address.is_star);
	cr_expect_null(address.uri.at);
	cr_expect_not(address_of("<sip:*>").is_star);
}

Test(sip_name_addr, is_refused_where_it_is_unclear)
{
	static const char *const bad[] = {"", "<>", "< >", "<sip:a", "sip:a>", "\"x <sip:a>",
		"\"x\" sip:a", "\"x\"y <sip:a>", "x \"y\" <sip:a>", "a, b <sip:a>", "<sip:a> x",
		"<sip:a><sip:b>", "<sip:a>, <sip:b>", "<sip:a b>", "<sip:\"a\">", "<<sip:a>>",
		"sip:a?x=y", "sip:a,b", "sip:a b", "<sip:a>;x=\"y", "<sip:a>;=y", "<sip:a>x;y",
		"a> <sip:a>", "\"x\"sip:a>", "<sip:a;x=\"y z\">x", "<sip:a>;x=y,z", ";x",
		"<sip:a>;x=<y>", "<sip:a\rb>", "*;x=\"", ";", ","};
	struct sip_name_addr address;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(
			sip_name_addr_parse(text_from(bad[i]), &address), -EBADMSG, "%s", bad[i]);
}

static void expect_param(const char *params, const char *name, const char *expected)
{
	struct text value;

	cr_expect(sip_param(text_from(params), text_from(name), &value), "%s in %s", name, params);
	expect_text(value, expected);
}

static void expect_no_param(const char *params, const char *name)
{
	struct text value;

	cr_expect_not(
		sip_param(text_from(params), text_from(name), &value), "%s in %s", name, params);
}

Test(sip_param, finds_values_by_name_without_case)
{
	expect_param(";a=1;Expires=60;b=2", "expires", "60");
	expect_param(";a=1;expires=60", "EXPIRES", "60");
	expect_param("; a\r\n = 1 ; b = 2 ", "b", "2");
	expect_param(";x=[2001:db8::1];y=a:b/c", "x", "[2001:db8::1]");
	expect_param(";pub-gruu=\"sip:a;b=c\";b=d", "b", "d");
	expect_param(";x=a=b==;y", "x", "a=b==");
	expect_param(";x=;y", "x", "");
	expect_param(";x=;y=1", "y", "1");
	expect_param(";;;x=1", "x", "1");
}

Test(sip_param, what_is_ill_formed_hides_nothing_after_it)
{
	expect_param(";a b;x=1", "x", "1");
	expect_param(";=a;x=1", "x", "1");
	expect_param(";x y;x=1", "x", "1");
}

Test(sip_param, keeps_the_quotes)
{
	expect_param(";n=\"a \\\" ; m=1\";m=2", "n", "\"a \\\" ; m=1\"");
	expect_param(";n=\"a \\\" ; m=1\";m=2", "m", "2");
}

Test(sip_param, a_flag_has_no_value)
{
	struct text value = TEXT("unset");

	cr_expect(sip_param(TEXT(";a;rport ;b"), TEXT("rport"), &value));
	cr_expect_null(value.at);
}

Test(sip_param, an_empty_value_stands_within_its_parameter)
{
	static const char params[] = ";x=\r\n ;y";
	struct text value, whole;

	cr_assert(sip_param_span(text_from(params), TEXT("x"), &value, &whole));
	cr_expect_eq(value.at, params + 3);
	cr_expect_eq(value.length, 0);
	expect_text(whole, ";x=");
}

Test(sip_param, of_two_the_first_counts)
{
	expect_param(";x=1;x=2", "x", "1");
}

Test(sip_param, what_is_not_there_is_not_found)
{
	expect_no_param("", "x");
	expect_no_param(";xy=1", "x");
	expect_no_param(";x=1", "xy");
	expect_no_param(";a=x", "x");
	expect_no_param("x=1", "x");
	expect_no_param(";a=\"y;x=1", "x");
	expect_no_param(";x y;z=1", "x");
	expect_no_param(";", "x");
	cr_expect_not(sip_param((struct text){0}, TEXT("x"), &(struct text){0}));
}

static void expect_span(const char *params, const char *name, const char *expected)
{
	struct text value, whole = {0};

	cr_expect(sip_param_span(text_from(params), text_from(name), &value, &whole), "%s", params);
	expect_text(whole, expected);
}

Test(sip_param, a_span_reaches_from_the_blanks_before_to_the_values_end)
{
	expect_span(";a=1;b=2;c=3", "b", ";b=2");
	expect_span(";a=1 ; b = 2 ;c=3", "b", " ; b = 2");
	expect_span(";a=1;b ;c", "b", ";b");
	expect_span("; a ;b", "a", "; a");
	expect_span(";a=1\r\n ;b=\"x;y\"  ", "b", "\r\n ;b=\"x;y\"");
	expect_span(";a;b=;c", "b", ";b=");
	expect_span(";a;b= ;c", "b", ";b=");
	expect_span(";;b;c", "b", ";b");
}

static void expect_nonce(const char *auth, const char *expected)
{
	struct text nonce = {0};

	cr_expect_eq(sip_nonce(text_from(auth), &nonce), expected != NULL, "%s", auth);
	if (expected)
		expect_text(nonce, expected);
}

Test(sip_nonce, is_found_in_challenges_and_credentials)
{
	expect_nonce("Digest realm=\"a\", nonce=\"b\"", "b");
	expect_nonce("Digest nonce=\"b\"", "b");
	expect_nonce("digest  NONCE =\r\n \"b,c=d\" ,realm=\"a\"", "b,c=d");
	expect_nonce("Digest realm=\"nonce=\\\"x\\\", nonce=y\",cnonce=\"c\", nonce=\"b\"", "b");
	expect_nonce("Digest stale=FALSE,nonce=b", "b");
	expect_nonce(
		"Digest algorithm=MD5, realm=\"\", nonce=\"a==\", qop=\"auth,auth-int\"", "a==");
}

Test(sip_nonce, may_be_missing)
{
	static const char *const without[] = {"", "Digest", "Digest ", "Digest nonce",
		"Digest nonce=", "Digest nonce=\"\"", "Digest nonce=\"b", "Digest realm=\"a",
		"Digest cnonce=\"a\"", "Digest realm=\"a\" nonce=\"b\"",
		"Digest realm=\"a\";nonce=\"b\"", "Digest nonce:\"b\"", "Basic dXNlcjpwYXNz", ",",
		"=", "nonce=b"};

	for (unsigned i = 0; i < sizeof(without) / sizeof(*without); i++)
		expect_nonce(without[i], NULL);
}
