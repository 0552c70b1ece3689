// Runs a declarative Jenkinsfile: groovy jenkins.groovy JENKINSFILE SITE OUTPUT, in the workspace.
//
// SITE is JSON: the variables and the credentials that Jenkins would have. OUTPUT gets what was
// declared, what steps were called with, and the result. Of Jenkins's language it knows what stands
// below; any other word is an error, as it is for Jenkins. Groovy 2.4 is what Jenkins itself has.
import groovy.json.JsonOutput
import groovy.json.JsonSlurper

class Env {
  Map<String, String> all = [:]
  def getProperty(String name) { name == 'all' ? this.@all : this.@all[name] }
  void setProperty(String name, value) { this.@all[name] = value as String }
}

class Words {
  Map<String, Closure> known
  Map values = [:]
  Map assigned = [:]
  def methodMissing(String name, arguments) {
    if (!known.containsKey(name)) { throw new IllegalStateException("`$name` is not known here") }
    known[name](*arguments)
  }
  def propertyMissing(String name) {
    if (!values.containsKey(name)) { throw new IllegalStateException("`$name` is not known here") }
    values[name]
  }
  def propertyMissing(String name, value) { assigned[name] = value }
}

class Build {
  static final List RANK = ['SUCCESS', 'UNSTABLE', 'FAILURE']
  Env env = new Env()
  Map credentials
  Map declared = [:]
  List called = []
  Map currentBuild = [currentResult: 'SUCCESS']

  Map read(Closure body, Map<String, Closure> known) {
    def words = new Words(known: known, values: [env: env, currentBuild: currentBuild])
    body.delegate = words
    body.resolveStrategy = Closure.DELEGATE_ONLY
    body()
    words.assigned
  }

  // A block whose words are written down with what follows them.
  Closure noted(String block, List<String> names, Map<String, Closure> more = [:]) {
    return { Closure body ->
      read(body, names.collectEntries { name ->
        [name, { Object... given -> declared["$block.$name".toString()] = given.toList() }]
      } + more)
    }
  }

  void worsen(String to) {
    def worse = RANK.indexOf(to) > RANK.indexOf(currentBuild.currentResult)
    if (worse) { currentBuild.currentResult = to }
  }

  def sh(Map given) {
    def process = new ProcessBuilder('/bin/sh', '-xe', '-c', given.script).redirectErrorStream(true)
    process.environment().putAll(env.all)
    def running = process.start()
    running.inputStream.eachLine { println it }
    def code = running.waitFor()
    if (given.returnStatus) { return code }
    if (code != 0) { throw new RuntimeException("script returned exit code $code") }
  }

  Map<String, Closure> steps() {
    def call = { String name -> [name, { Object... given -> called << [name, *given]; null }] }
    [
      sh: { given -> sh(given instanceof Map ? given : [script: given]) },
      script: { Closure body -> read(body, steps()) },
      unstable: { String message -> called << ['unstable', message]; worsen('UNSTABLE') },
      error: { message -> throw new RuntimeException(message as String) },
      string: { Map given -> given },
      withCredentials: { List given, Closure body ->
        with(given.collectEntries { [it.variable, credentials[it.credentialsId]] }) {
          read(body, steps())
        }
      },
    ] + ['junit', 'archiveArtifacts', 'mail'].collectEntries(call)
  }

  def with(Map secrets, Closure body) {
    def before = new LinkedHashMap(env.all)
    env.all.putAll(secrets)
    body()
    secrets.keySet().each { env.all.remove(it) }
    env.all.putAll(before)
  }

  void stage(Closure body) {
    def secrets = [:]
    def doing = null
    read(body, [
      environment: { Closure block ->
        secrets = read(block, [credentials: { String id -> credentials[id] }])
      },
      steps: { Closure block -> doing = block },
    ])
    with(secrets) { read(doing, steps()) }
  }

  void pipeline(Closure body) {
    def post = null
    read(body, [
      agent: noted('agent', [], [docker: noted('docker', ['label', 'image', 'args'])]),
      triggers: noted('triggers', ['cron']),
      options: noted('options', ['disableConcurrentBuilds', 'timeout', 'buildDiscarder'],
        [logRotator: { Map given -> given }]),
      stages: { Closure block ->
        try {
          read(block, [stage: { String name, Closure inner -> stage(inner) }])
        } catch (RuntimeException failed) {
          println "ERROR: $failed.message"
          worsen('FAILURE')
        }
      },
      post: { Closure block -> post = block },
    ])
    def result = currentBuild.currentResult
    def whenever = { boolean so -> { Closure block -> if (so) { read(block, steps()) } } }
    read(post, [
      always: whenever(true),
      unsuccessful: whenever(result != 'SUCCESS'),
      fixed: whenever(result == 'SUCCESS' && env.all.BEFORE == 'FAILURE'),
    ])
  }
}

def site = new JsonSlurper().parse(new File(args[1]))
def build = new Build(credentials: site.credentials)
build.env.all.putAll(site.variables)
def script = new GroovyShell().parse(new File(args[0]))
script.metaClass.pipeline = { Closure body -> build.pipeline(body) }
script.run()
new File(args[2]).text = JsonOutput.toJson(
  [declared: build.declared, called: build.called, result: build.currentBuild.currentResult])
