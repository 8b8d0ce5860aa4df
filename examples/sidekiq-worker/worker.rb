# A job of Sidekiq under load: the job as an application has it, and a server
# middleware that publishes what becomes of it.
#
#   REDIS_URL=redis://localhost:6379 sidekiq -r ./worker.rb -c 10
#
# NAMESPACE puts all keys, and the channel, under a namespace (the gem redis-namespace).

require "sidekiq"
require "json"

# Publishes RUNNING, and COMPLETED or FAILED, of each job. Its id is its "id", or without one
# its first argument. The jobs themselves need not know.
class PublishUpdates
  CHANNEL = ENV.fetch("CHANNEL", "job_updates")
  RUNNING = ENV["RUNNING"] != "no"

  def call(_worker, job, _queue)
    publish(job, "RUNNING") if RUNNING
    begin
      yield
    rescue => e
      publish(job, "FAILED", e.message)
      raise
    end
    publish(job, "COMPLETED")
  end

  private

  def publish(job, status, error = nil)
    update = {tenantId: "t1", jobId: job["id"] || job["args"].first.to_s, status: status, error: error}
    Sidekiq.redis { |redis| redis.publish(CHANNEL, JSON.generate(update)) }
  end
end

Sidekiq.configure_server do |config|
  config.redis = {namespace: ENV["NAMESPACE"]} if ENV["NAMESPACE"]
  config.server_middleware { |chain| chain.add PublishUpdates }
end

# Your own job goes here.
class HardJob
  include Sidekiq::Worker
  sidekiq_options retry: false

  WORK = Float(ENV.fetch("WORK_MS", "0")) / 1000

  def perform(_id, _payload = nil)
    sleep(WORK) if WORK.positive?
  end
end
