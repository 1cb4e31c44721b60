# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""TLS in front: h2 by ALPN and HTTP/1.1 on the same port; with client_ca only who has a certificate comes
in, and the log says who; a new certificate comes in force with a reload."""
import json
from weirflow import Story, check, converse, equal, model_path

BODY = json.dumps(converse('Under TLS')).encode()

with Story() as s:
    d = s.certificates()
    tls = {'cert': str(d / 'tls.crt'), 'key': str(d / 'tls.key')}
    weir = s.weir(listen=[{'address': '127.0.0.1:0', 'tls': tls},
                          {'address': '127.0.0.2:0', 'tls': {**tls, 'client_ca': str(d / 'ca.crt')}}])
    open_port, closed_port = weir.addresses

    def curl(address, *options, status=0):
        return s.run(['curl', '-sS', '--cacert', 'ca.crt', '--max-time', '30', '-o', 'answer', '-w',
                      '%{http_code} %{http_version}', '--data-binary', '@-', *options,
                      f'https://{address}{model_path("converse")}'], stdin=BODY, status=status)

    equal(curl(open_port, '--http2'), '200 2')
    equal(curl(open_port, '--http1.1'), '200 1.1')
    mine = ['--cert', 'client.crt', '--key', 'client.key']
    equal(curl(closed_port, '--http2', *mine), '200 2')
    weir.line(r' exchange .*cn=flow.client')
    arrived = s.sim.summary()['requests']
    refused = curl(closed_port, '--http2', status=None)
    check('200' not in refused, f'without a certificate: {refused}')
    equal(s.sim.summary()['requests'], arrived, 'nothing arrived')
    weir.line(r' exchange op=None peer=\S+ outcome=bad-connection trouble=')

    def serial():
        return s.run(['sh', '-c', f'openssl s_client -connect {open_port} </dev/null 2>/dev/null'
                      ' | openssl x509 -noout -serial'])
    before = serial()
    s.certificates()
    weir.reload({**weir.config, 'log': {'level': 'debug'}})
    check(serial() != before, 'the old certificate is still served')
    equal(curl(open_port, '--http2'), '200 2')

    # Keys and certificates that cannot serve are refused with a reason, and the old ones stay.
    s.run(['sh', '-c', 'openssl ec -aes128 -passout pass:flow -in tls.key -out locked.key 2>/dev/null; echo no >bad.crt; chmod 600 *.key'])
    for changed, reason in (({'key': str(d / 'locked.key')}, 'it is encrypted'), ({'cert': str(d / 'bad.crt')}, 'no PEM block'),
                            ({'key': str(d / 'client.key')}, 'key values mismatch'), ({'cert': '/gone'}, 'No such file')):
        told = weir.reload({**weir.config, 'listen': [{'address': '127.0.0.1:0', 'tls': {**tls, **changed}}]})
        check(reason in told, f'{changed}: {told}')
    equal(curl(open_port, '--http2'), '200 2')
