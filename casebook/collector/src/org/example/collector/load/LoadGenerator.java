package org.example.collector.load;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.example.collector.NamedThreads;
import org.example.collector.Options;
import org.example.collector.ParentWatch;

/**
 * Agents and people for a collection server.
 *
 * <pre>
 *   --agent-port N, --port N   where the server listens
 *   --agents M, --dashboards K
 *   --parent PID               end when that process does, 0 = never
 * </pre>
 *
 * Prints "ready" after the first answer. Ends by itself when the server does not answer for 20
 * seconds or hangs up on an agent.
 */
public final class LoadGenerator {
    private LoadGenerator() {}

    public static void main(String[] args) throws Exception {
        Options options = new Options(args);
        int agents = options.number("agents", 24);
        int dashboards = options.number("dashboards", 4);
        int port = options.number("port", 0);
        ServerCheck check = new ServerCheck();
        ParentWatch.start(options.number("parent", 0));

        List<AgentSimulator> simulators = new ArrayList<>();
        for (int i = 1; i <= agents; i++) {
            AgentSimulator agent = new AgentSimulator(i, options.number("agent-port", 0), System.currentTimeMillis());
            agent.send(System.currentTimeMillis());
            simulators.add(agent);
        }
        NamedThreads people = new NamedThreads("dashboard");
        for (int i = 0; i < dashboards; i++) {
            people.newThread(new Dashboard(i, dashboards, agents, port, check)).start();
        }
        while (true) {
            Thread.sleep(1000 - System.currentTimeMillis() % 1000);
            for (AgentSimulator agent : simulators) {
                try {
                    agent.send(System.currentTimeMillis());
                } catch (IOException e) {
                    System.err.println("the server is gone: " + e);
                    System.exit(0);
                }
            }
        }
    }
}
