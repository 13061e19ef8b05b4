import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * A JVM service reports what its model served: CloudEvents in structured mode, the model as the key.
 *
 * java -cp 'libs/*' Producer.java localhost:9092
 */
public class Producer {
    static final String MODEL = "fraud/scorer";

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.putAll(Map.of(
            "bootstrap.servers", arguments[0],
            "key.serializer", "org.apache.kafka.common.serialization.StringSerializer",
            "value.serializer", "org.apache.kafka.common.serialization.StringSerializer",
            "acks", "all"));
        String id = UUID.randomUUID().toString();
        double now = System.currentTimeMillis() / 1000.0;
        List<String> events = List.of(
            event("homeostat.model.registered.v1", """
                {"family": "scorers", "champion": "v1", "classes": ["genuine", "fraud"],
                 "features": [{"name": "amount", "low": 0.0}, {"name": "hour"}]}"""),
            event("homeostat.samples.observed.v1", """
                {"version": "v1", "request": ["%s-0", "%s-1"], "time": [%f, %f], "prediction": [0, 1],
                 "score": [0.9, 0.6], "features": {"amount": [12.5, 990.0], "hour": [9, 3]}}"""
                .formatted(id, id, now, now)),
            event("homeostat.labels.observed.v1", """
                {"request": ["%s-0", "%s-1"], "label": [0, 0], "time": [%f, %f]}""".formatted(id, id, now, now)));
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
            for (String event : events) {
                var place = producer.send(new ProducerRecord<>("homeostat.telemetry", MODEL, event)).get();
                System.out.println("published at " + place);
            }
        }
    }

    static String event(String type, String data) {
        return """
            {"specversion": "1.0", "id": "%s", "source": "/fraud/jvm", "type": "%s", "data": %s}"""
            .formatted(UUID.randomUUID(), type, data);
    }
}
