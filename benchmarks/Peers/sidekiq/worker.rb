# frozen_string_literal: true

# Delivers as Mastodon's ActivityPub::DeliveryWorker does: a job for each inbox with the whole
# activity in it, the sender's PEM parsed for each, draft-cavage signature, http.rb over connections
# that are kept by site.
#
# Left out, in its favour: the three or four SQL queries of each job, its failure tracker and circuit
# in Redis, the log lines of each job, and the limit of 512 kept connections.

require 'base64'
require 'digest'
require 'http'
require 'openssl'
require 'sidekiq'
require 'socket'
require 'time'

REDIS = { url: "unix://#{ENV.fetch('PEER_REDIS')}" }.freeze
PEM = File.read(ENV.fetch('PEER_PEM'))
KEY_ID = ENV.fetch('PEER_KEY_ID')

Sidekiq.configure_server do |config|
  config.redis = REDIS
  config.logger.level = Logger::WARN
end

# The names of the pretend fediverse, which the system's resolver does not know.
class LoopbackSocket < TCPSocket
  def self.open(_host, port, *)
    new('127.0.0.1', port)
  end
end

# One for all, which saves reading the authorities for each connection.
CONTEXT = OpenSSL::SSL::SSLContext.new.tap do |context|
  context.set_params(ca_file: ENV.fetch('PEER_CA'))
end

# Clients with their connection, by site; a thread has one to itself while it uses it.
class ConnectionsBySite
  def initialize
    @idle = Hash.new { |sites, site| sites[site] = [] }
    @lock = Mutex.new
  end

  def with(site)
    client = @lock.synchronize { @idle[site].pop } || connect(site)
    result = yield client
    @lock.synchronize { @idle[site].push(client) }
    result
  rescue StandardError
    client&.close
    raise
  end

  private

  def connect(site)
    HTTP.timeout(connect: 5, write: 10, read: 10).persistent(site, timeout: 110)
  end
end

CONNECTIONS = ConnectionsBySite.new

module ActivityPub
  class DeliveryWorker
    include Sidekiq::Worker

    sidekiq_options queue: 'push', retry: 16, dead: false

    SIGNED = 'host date digest content-type (request-target)'

    def perform(json, _source_account_id, inbox_url, _options = {})
      uri = HTTP::URI.parse(inbox_url)
      headers = headers_for(uri, json)
      CONNECTIONS.with(uri.origin) do |client|
        response = client.request(:post, inbox_url, headers: headers, body: json,
                                                    ssl_context: CONTEXT, socket_class: LoopbackSocket)
        raise "#{inbox_url}: #{response.code}" unless response.code.between?(200, 299)

        response.flush
      end
    end

    private

    def headers_for(uri, json)
      headers = {
        'User-Agent' => "http.rb/#{HTTP::VERSION} (+https://social.fedi.localhost/)",
        'Host' => uri.authority,
        'Date' => Time.now.utc.httpdate,
        'Accept-Encoding' => 'gzip',
        'Digest' => "SHA-256=#{Digest::SHA256.base64digest(json)}",
        'Content-Type' => 'application/activity+json',
      }
      headers.merge('Signature' => signature(headers, uri))
    end

    def signature(fields, uri)
      headers = fields.transform_keys(&:downcase)
      text = SIGNED.split.map do |name|
        "#{name}: #{name == '(request-target)' ? "post #{uri.path}" : headers.fetch(name)}"
      end.join("\n")
      key = OpenSSL::PKey::RSA.new(PEM)
      signed = key.sign(OpenSSL::Digest.new('SHA256'), text)
      "keyId=\"#{KEY_ID}\",algorithm=\"rsa-sha256\",headers=\"#{SIGNED}\"," \
        "signature=\"#{Base64.strict_encode64(signed)}\""
    end
  end
end
