"""python3 -m unittest; the part with a Redis is in the tests of cmd/queuedyno."""

import json
import unittest

from worker import parse_element, update


class Elements(unittest.TestCase):
    def test_an_element_is_an_id_or_json_with_one(self):
        for element, want in [
            ("4711", ("4711", "t1")),
            ('{"jobId":"4711"}', ("4711", "t1")),
            ('{"jobId":4711,"tenantId":"acme","payload":"x"}', ("4711", "acme")),
            ("{not json", ("{not json", "t1")),
            ('{"class":"Mail"}', ('{"class":"Mail"}', "t1")),
        ]:
            self.assertEqual(parse_element(element), want)

    def test_an_update_has_the_documented_keys_in_their_order(self):
        self.assertEqual(
            update("4711", "t1", "COMPLETED"), '{"tenantId":"t1","jobId":"4711","status":"COMPLETED","error":null}'
        )
        self.assertEqual(json.loads(update("4711", "t1", "FAILED", 'disk "full"'))["error"], 'disk "full"')


if __name__ == "__main__":
    unittest.main()
